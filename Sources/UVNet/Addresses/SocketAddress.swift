internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The address of a TCP or UDP socket: an IPv4 or IPv6 address and a port.
///
/// Text is parsed strictly, and not by the system, whose functions take `127.1`,
/// `0177.0.0.1` and port 99999: IPv4 is four decimal numbers without leading zeros, IPv6 is what
/// RFC 4291 section 2.2 describes. No name is ever resolved.
public struct SocketAddress: Hashable, Sendable {
  /// The IP address.
  public let address: IPAddress
  /// The port, 0 … 65535.
  public let port: UInt16

  /// Puts an address together.
  public init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// Parses a numeric host.
  ///
  /// - Parameters:
  ///   - host: An address such as `127.0.0.1`, `::1` or `fe80::1%eth0`, without brackets.
  ///   - port: The port.
  /// - Throws: What is wrong with the host.
  public init(host: String, port: UInt16) throws(SocketAddressError) {
    let address = try IPAddress(host)
    guard !address.needsZone else { throw SocketAddressError.missingZone }
    self.init(address, port: port)
  }

  /// Parses an address with a port, such as `127.0.0.1:25555` or `[::1]:25555`.
  ///
  /// - Parameters:
  ///   - text: The text; an IPv6 address may stand without brackets where it has no port.
  ///   - defaultPort: The port for a text that names none; `nil` makes that an error.
  ///   - allowPortZero: Whether port 0, "any free one", is accepted.
  /// - Throws: What is wrong with the text.
  public init(
    parsing text: String, defaultPort: UInt16? = nil, allowPortZero: Bool = false
  ) throws(SocketAddressError) {
    let (host, portText) = try Self.split(text)
    let address = try SocketAddress(host: host, port: 0).address
    if let portText {
      self.init(address, port: try Self.parsePort(portText, allowZero: allowPortZero))
    } else if let defaultPort {
      self.init(address, port: defaultPort)
    } else {
      throw SocketAddressError.missingPort
    }
  }

  /// Splits `HOST:PORT`, `[HOST]:PORT` or a host alone, by colons and brackets only.
  ///
  /// By bytes and not by characters: a combining mark after a bracket would be part of its
  /// character, and be dropped with it.
  private static func split(_ text: String) throws(SocketAddressError) -> (String, Substring?) {
    let bytes = text.utf8
    guard bytes.count <= 128 else { throw SocketAddressError.tooLong }
    let colon = UInt8(ascii: ":")
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else {
        throw SocketAddressError.unclosedBracket
      }
      let host = bytes[..<end].dropFirst()
      guard host.contains(colon) else { throw SocketAddressError.invalidIPv6 }
      let rest = bytes[end...].dropFirst()
      guard let separator = rest.first else { return (String(Substring(host)), nil) }
      guard separator == colon else { throw SocketAddressError.invalidPort }
      return (String(Substring(host)), Substring(rest.dropFirst()))
    }
    let first = bytes.firstIndex(of: colon)
    guard let first, bytes.lastIndex(of: colon) == first else { return (text, nil) }
    return (String(Substring(bytes[..<first])), Substring(bytes[first...].dropFirst()))
  }

  /// Parses a port: decimal digits only.
  ///
  /// - Parameters:
  ///   - text: The digits; leading zeros are accepted up to five digits in all.
  ///   - allowZero: Whether 0 is accepted.
  /// - Returns: The port.
  /// - Throws: ``SocketAddressError/invalidPort``.
  public static func parsePort(
    _ text: some StringProtocol, allowZero: Bool = false
  ) throws(SocketAddressError) -> UInt16 {
    guard (1...5).contains(text.utf8.count),
      text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let port = UInt16(String(text)), port > 0 || allowZero
    else { throw SocketAddressError.invalidPort }
    return port
  }

  /// The numeric host, as ``IPAddress/description`` gives it.
  public var host: String { address.description }
  /// Whether this is an IPv6 address.
  public var isIPv6: Bool { address.isIPv6 }
  /// Whether the address is this machine's own: 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { address.isLoopback }
  /// Whether the address is `0.0.0.0` or `::`, "all of this machine's".
  public var isUnspecified: Bool { address.isUnspecified }
}

extension SocketAddress: CustomStringConvertible {
  /// `127.0.0.1:25555` or `[::1]:25555`.
  public var description: String {
    guard case .v4(let bits) = address.storage else { return "[\(address)]:\(port)" }
    // The exact number of bytes, since the String keeps room for what it was made with.
    let capacity = IPAddress.dottedByteCount(bits) + 1 + port.digitCount
    return unsafe String(unsafeUninitializedCapacity: capacity) { memory in
      var count = unsafe IPAddress.write(bits, to: memory)
      unsafe memory[count] = UInt8(ascii: ":")
      count += 1
      unsafe port.writeDecimal(to: memory, at: &count)
      return count
    }
  }
}

// MARK: - The system's form

extension SocketAddress {
  func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>) -> R) -> R {
    unsafe withSockaddr { address, _ in unsafe body(address) }
  }

  func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    let size = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    var storage = sockaddr_storage()
    return unsafe withUnsafeMutablePointer(to: &storage) { storage in
      switch address.storage {
      case .v4(let bits):
        unsafe storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { v4 in
          unsafe v4.pointee.sin_family = sa_family_t(AF_INET)
          unsafe v4.pointee.sin_port = port.bigEndian
          unsafe v4.pointee.sin_addr.s_addr = bits.bigEndian
        }
      case .v6(let high, let low, let scope):
        unsafe storage.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { v6 in
          unsafe v6.pointee.sin6_family = sa_family_t(AF_INET6)
          unsafe v6.pointee.sin6_port = port.bigEndian
          unsafe v6.pointee.sin6_scope_id = scope
          unsafe withUnsafeMutableBytes(of: &v6.pointee.sin6_addr) { bytes in
            unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
          }
        }
      }
      return unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe body(address, socklen_t(size))
      }
    }
  }

  /// Reads what a function such as `getpeername` fills in; `nil` when it fails.
  static func read(
    _ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<Int32>) -> Int32
  ) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = Int32(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) { storage in
      let status = unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe fill(address, &length)
      }
      return status == 0 ? unsafe SocketAddress(storage) : nil
    }
  }

  init?(_ storage: UnsafeMutablePointer<sockaddr_storage>) {
    switch unsafe Int32(storage.pointee.ss_family) {
    case AF_INET:
      self = unsafe storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { v4 in
        unsafe SocketAddress(
          IPAddress(storage: .v4(UInt32(bigEndian: v4.pointee.sin_addr.s_addr))),
          port: UInt16(bigEndian: v4.pointee.sin_port))
      }
    case AF_INET6:
      self = unsafe storage.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { v6 in
        let (high, low) = unsafe withUnsafeBytes(of: &v6.pointee.sin6_addr) { bytes in
          unsafe (
            UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
          )
        }
        return unsafe SocketAddress(
          IPAddress(storage: .v6(high: high, low: low, scope: v6.pointee.sin6_scope_id)),
          port: UInt16(bigEndian: v6.pointee.sin6_port))
      }
    default:
      return nil
    }
  }
}
