#if TLS
  internal import COpenSSL
  public import UVNet

  /// Who a client means to talk to: the peer's certificate has to be for this name or address.
  ///
  /// There is no connection without one.
  public struct TLSPeerName: Sendable, Hashable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
      case host(String)
      case address(String)
    }

    let kind: Kind

    /// A host's name, checked by RFC 6125 section 6.4, and named to the server (SNI, RFC 6066).
    ///
    /// - Parameter name: A name in ASCII, 1 to 253 bytes of letters, digits, `-`, `_` and `.`; one of
    ///   other letters is to be given in its `xn--` form. A dot at the end is left out.
    /// - Returns: The name, to be verified.
    /// - Throws: `UVError.Code.invalidArgument` for what is no name, an address among that.
    public static func host(_ name: String) throws(UVError) -> TLSPeerName {
      var bytes = Array(name.utf8)
      if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
      let isName =
        (1...253).contains(bytes.count) && bytes.first != UInt8(ascii: ".")
        && bytes.allSatisfy(isHostByte)
      guard isName, (try? IPAddress(name)) == nil else {
        throw UVError(
          .invalidArgument, during: .handshake, detail: "not the name of a host to verify")
      }
      return TLSPeerName(kind: .host(String(decoding: bytes, as: UTF8.self)))
    }

    /// An IP address, which has to be in the certificate as such.
    public static func address(_ address: IPAddress) -> TLSPeerName {
      TLSPeerName(kind: .address(String("\(address)".prefix { $0 != "%" })))
    }

    /// The name or address.
    public var description: String {
      switch kind {
      case .host(let name): name
      case .address(let address): address
      }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."):
        true
      default: false
      }
    }

    /// Has `ssl` check the peer for this name, and name it to the server.
    func install(in ssl: OpaquePointer) -> Bool {
      let parameters = unsafe SSL_get0_param(ssl)
      switch kind {
      case .host(let name):
        unsafe X509_VERIFY_PARAM_set_hostflags(
          parameters,
          UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        return unsafe X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1
          && cssl_set_host_name(ssl, name) == 1
      case .address(let address):
        return unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, address) == 1
      }
    }
  }
#endif
