internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A socket option whose value is a number.
struct SocketOption {
  let label: String
  let level: Int32
  let name: Int32

  private static let tcp = Int32(IPPROTO_TCP)

  static let noDelay = SocketOption(label: "TCP_NODELAY", level: tcp, name: TCP_NODELAY)
  /// The error that is pending; reading it takes it away.
  static let error = SocketOption(label: "SO_ERROR", level: SOL_SOCKET, name: SO_ERROR)
  static let reuseAddress = SocketOption(
    label: "SO_REUSEADDR", level: SOL_SOCKET, name: SO_REUSEADDR)
  static let reusePort = SocketOption(label: "SO_REUSEPORT", level: SOL_SOCKET, name: SO_REUSEPORT)
  static let ipv6Only = SocketOption(
    label: "IPV6_V6ONLY", level: Int32(IPPROTO_IPV6), name: IPV6_V6ONLY)
  static let type = SocketOption(label: "SO_TYPE", level: SOL_SOCKET, name: SO_TYPE)
  static let broadcast = SocketOption(label: "SO_BROADCAST", level: SOL_SOCKET, name: SO_BROADCAST)
  static let receiveBuffer = SocketOption(label: "SO_RCVBUF", level: SOL_SOCKET, name: SO_RCVBUF)
  static let sendBuffer = SocketOption(label: "SO_SNDBUF", level: SOL_SOCKET, name: SO_SNDBUF)
  static let keepAlive = SocketOption(label: "SO_KEEPALIVE", level: SOL_SOCKET, name: SO_KEEPALIVE)
  static let keepAliveInterval = SocketOption(
    label: "TCP_KEEPINTVL", level: tcp, name: TCP_KEEPINTVL)
  static let keepAliveCount = SocketOption(label: "TCP_KEEPCNT", level: tcp, name: TCP_KEEPCNT)
  #if canImport(Darwin)
    static let keepAliveIdle = SocketOption(
      label: "TCP_KEEPALIVE", level: tcp, name: TCP_KEEPALIVE)
  #else
    static let keepAliveIdle = SocketOption(label: "TCP_KEEPIDLE", level: tcp, name: TCP_KEEPIDLE)
  #endif
  /// Not every system has it; where it is missing, setting it does nothing.
  #if os(Linux)
    static let userTimeout = SocketOption(
      label: "TCP_USER_TIMEOUT", level: tcp, name: TCP_USER_TIMEOUT)
  #else
    static let userTimeout = SocketOption(label: "TCP_USER_TIMEOUT", level: tcp, name: -1)
  #endif

  func set(_ value: Int, on descriptor: Int32) throws(UVError) {
    guard name >= 0 else { return }
    var number = Int32(clamping: value)
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe setsockopt(descriptor, level, name, &number, size) == 0 else {
      throw UVError(
        UVError.Code(rawValue: -errno), during: .setOption, detail: "\(label) = \(value)")
    }
  }

  /// The value; `nil` when the system does not tell it.
  func value(on descriptor: Int32) -> Int? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    let status = unsafe getsockopt(descriptor, level, name, &value, &size)
    return status == 0 ? Int(value) : nil
  }
}

extension UVError.Code {
  /// Whether the system does not know what was asked for, whatever the value.
  var isMissingFeature: Bool {
    [-ENOPROTOOPT, -EOPNOTSUPP, -ENOTSUP, -ENOSYS].contains(rawValue)
  }
}

extension Handle {
  /// The socket behind the handle, for options.
  final func descriptor() throws(UVError) -> Int32 {
    guard !isClosing else { throw UVError(.badDescriptor, during: .setOption) }
    var descriptor: Int32 = -1
    let status = unsafe uv_fileno(raw, &descriptor)
    guard status == 0 else { throw UVError(status, .setOption) }
    return descriptor
  }
}
