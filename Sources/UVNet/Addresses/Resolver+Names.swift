internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension Resolver {
  /// Which addresses of a name are wanted.
  public struct Family: Hashable, Sendable {
    let number: Int32
    /// All.
    public static let any = Self(number: AF_UNSPEC)
    /// IPv4 addresses.
    public static let ipv4 = Self(number: AF_INET)
    /// IPv6 addresses.
    public static let ipv6 = Self(number: AF_INET6)

    func includes(_ address: SocketAddress) -> Bool {
      self == .any || (self == .ipv6) == address.isIPv6
    }
  }

  /// The transport whose port a service's name stands for.
  public struct Transport: Hashable, Sendable {
    let socketType: Int32
    /// TCP.
    public static let tcp = Self(socketType: streamType)
    /// UDP.
    public static let udp = Self(socketType: datagramType)
  }

  /// Why a look-up is refused before the system is asked; `nil` if it is not.
  ///
  /// The system would accept some malformed hosts, such as `127.1`.
  static func refusal(of host: String, service: String?) -> String? {
    if looksNumeric(host), service == nil || (try? SocketAddress(host: host, port: 0)) == nil {
      return "\(host) looks like a numeric address and is none"
    }
    // An embedded NUL would end the name early for the system, and not for us.
    guard !host.isEmpty, host.utf8.count <= 255, !host.utf8.contains(0) else {
      return "not a host name"
    }
    guard let service else { return nil }
    return isServiceName(service) ? nil : "neither a port nor the name of a service"
  }

  /// RFC 6335 section 5.1: up to 15 letters, digits and hyphens, at least one of them a letter.
  ///
  /// Underscores, and up to 32 characters, are accepted for the sake of older lists.
  private static func isServiceName(_ service: String) -> Bool {
    guard (1...32).contains(service.utf8.count) else { return false }
    var hasLetter = false
    for byte in service.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
        hasLetter = true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): break
      default: return false
      }
    }
    return hasLetter
  }

  /// Whether a host's last label is a number, decimal or hexadecimal: no name ends so, and systems
  /// read such hosts as IPv4 addresses of all kinds (WHATWG URL Standard, "ends in a number").
  ///
  /// With a colon it can only be meant for IPv6.
  private static func looksNumeric(_ host: String) -> Bool {
    guard !host.utf8.contains(UInt8(ascii: ":")) else { return true }
    let blank = { (byte: UInt8) in byte == UInt8(ascii: " ") || (9...13).contains(byte) }
    let text = host.utf8.drop(while: blank).prefix { !blank($0) }
    let labels = text.split(separator: UInt8(ascii: "."))
    guard let last = labels.last else { return false }
    let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    if last.allSatisfy(isDigit) { return true }
    guard last.count >= 2, last.first == UInt8(ascii: "0"),
      last.dropFirst().first.map({ $0 | 0x20 }) == UInt8(ascii: "x")
    else { return false }
    return last.dropFirst(2).allSatisfy {
      isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20)
    }
  }
}

#if canImport(Glibc)
  private let streamType = Int32(SOCK_STREAM.rawValue)
  private let datagramType = Int32(SOCK_DGRAM.rawValue)
#else
  private let streamType = SOCK_STREAM
  private let datagramType = SOCK_DGRAM
#endif

extension SocketAddress {
  /// The address in one entry of a look-up's list.
  init?(_ info: addrinfo) {
    guard let address = unsafe info.ai_addr else { return nil }
    var storage = sockaddr_storage()
    let size = unsafe min(Int(info.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
    let found = unsafe withUnsafeMutablePointer(to: &storage) { storage in
      unsafe UnsafeMutableRawPointer(storage).copyMemory(from: address, byteCount: size)
      return unsafe SocketAddress(storage)
    }
    guard let found else { return nil }
    self = found
  }
}

extension UVError.Code {
  /// There is no such name (EAI_NONAME).
  public static let hostNotFound = Self(UV_EAI_NONAME)
  /// The name has no address, or none of the family that was wanted (EAI_NODATA).
  public static let noAddress = Self(UV_EAI_NODATA)
  /// The system has no such service, or not for this transport (EAI_SERVICE).
  public static let serviceNotFound = Self(UV_EAI_SERVICE)
  /// No name server has answered, or only with a temporary failure (EAI_AGAIN).
  public static let lookUpFailed = Self(UV_EAI_AGAIN)
}
