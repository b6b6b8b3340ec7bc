#if TLS
  internal import COpenSSL
  public import UVNet

  /// The authorities that are relied on to say who a peer is.
  @safe public struct TLSTrust: Sendable {
    /// A store of certificates, which OpenSSL counts references of and locks by itself.
    @safe private final class Store: @unchecked Sendable {
      let raw: OpaquePointer
      /// The authorities by themselves, to be named to clients.
      var authorities: [OpaquePointer] = unsafe []

      init(_ raw: OpaquePointer) { unsafe self.raw = unsafe raw }

      deinit {
        unsafe authorities.forEach { unsafe X509_free($0) }
        unsafe X509_STORE_free(raw)
      }
    }

    /// `nil` for the system's.
    private let store: Store?

    private init(store: Store?) { self.store = store }

    /// The authorities of the system, where OpenSSL was told to look for them; the environment's
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` change that.
    public static let system = TLSTrust(store: nil)

    /// Authorities of the program's own, and no others.
    ///
    /// - Parameters:
    ///   - certificates: One or more certificates in PEM format.
    ///   - revocations: Lists of revoked certificates (CRLs) in PEM format. When there is one, a
    ///     certificate that no list speaks for is refused.
    /// - Returns: Trust in these alone.
    /// - Throws: `UVError.Code.badCredentials` when there is none, or one cannot be read.
    public static func certificates(
      _ certificates: [UInt8], revocations: [UInt8] = []
    ) throws(UVError) -> TLSTrust {
      guard let raw = unsafe X509_STORE_new() else {
        throw UVError(.outOfMemory, during: .initialize)
      }
      let store = unsafe Store(raw)
      unsafe store.authorities = unsafe try PEM.certificates(in: certificates, of: "certificate")
      unsafe store.authorities.forEach { unsafe X509_STORE_add_cert(raw, $0) }
      if !revocations.isEmpty {
        unsafe try PEM.revocations(in: revocations).forEach { list in
          unsafe X509_STORE_add_crl(raw, list)
          unsafe X509_CRL_free(list)
        }
        unsafe X509_STORE_set_flags(raw, UInt(X509_V_FLAG_CRL_CHECK))
      }
      ERR_clear_error()
      return TLSTrust(store: store)
    }

    /// Authorities in a file of PEM format, and no others.
    ///
    /// - Parameter path: The path; at most 1 MiB is read.
    /// - Returns: Trust in these alone.
    /// - Throws: As ``certificates(_:revocations:)`` does, and the system's error when the file cannot
    ///   be read, each with the path in the detail.
    public static func certificateFile(_ path: String) throws(UVError) -> TLSTrust {
      let bytes = try PEM.contents(of: path)
      do throws(UVError) {
        return try certificates(bytes)
      } catch {
        throw PEM.error("\(path): \(error.detail ?? error.message)")
      }
    }

    /// Has a server name these to its clients, which choose their certificate by that.
    func nameAuthorities(in context: TLSContext) {
      guard let store else { return }
      unsafe store.authorities.forEach { unsafe SSL_CTX_add_client_CA(context.raw, $0) }
    }

    /// Has `context` rely on these.
    func install(in context: OpaquePointer) throws(UVError) {
      if let store {
        unsafe SSL_CTX_set1_cert_store(context, store.raw)
      } else {
        guard unsafe SSL_CTX_set_default_verify_paths(context) == 1 else {
          throw PEM.error("the system's authorities cannot be read")
        }
      }
    }
  }
#endif
