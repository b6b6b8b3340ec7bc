internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// How the system probes a silent peer (RFC 9293 section 3.8.4).
public struct KeepAlive: Hashable, Sendable {
  /// Seconds of silence before the first probe, at least 1.
  public var idle: Int
  /// Seconds between probes, at least 1.
  public var interval: Int
  /// Unanswered probes after which the connection fails, 1 to 127.
  public var count: Int

  /// Makes a set of numbers, which the system judges when they are applied.
  public init(idle: Int, interval: Int, count: Int) {
    self.idle = idle
    self.interval = interval
    self.count = count
  }

  /// libuv sets the interval and the count to numbers of its own, hence not by way of it.
  func apply(to descriptor: Int32) throws(UVError) {
    try SocketOption.keepAliveIdle.set(idle, on: descriptor)
    try SocketOption.keepAliveInterval.set(interval, on: descriptor)
    try SocketOption.keepAliveCount.set(count, on: descriptor)
    try SocketOption.keepAlive.set(1, on: descriptor)
  }
}

/// A socket option whose value is a number.
struct SocketOption {
  let level: Int32
  let name: Int32

  private static let tcp = Int32(IPPROTO_TCP)

  static let noDelay = SocketOption(level: tcp, name: TCP_NODELAY)
  /// The error that is pending; reading it takes it away.
  static let error = SocketOption(level: SOL_SOCKET, name: SO_ERROR)
  static let reusePort = SocketOption(level: SOL_SOCKET, name: SO_REUSEPORT)
  static let keepAlive = SocketOption(level: SOL_SOCKET, name: SO_KEEPALIVE)
  static let keepAliveInterval = SocketOption(level: tcp, name: TCP_KEEPINTVL)
  static let keepAliveCount = SocketOption(level: tcp, name: TCP_KEEPCNT)
  #if canImport(Darwin)
    static let keepAliveIdle = SocketOption(level: tcp, name: TCP_KEEPALIVE)
  #else
    static let keepAliveIdle = SocketOption(level: tcp, name: TCP_KEEPIDLE)
  #endif
  /// Not every system has it; where it is missing, setting it does nothing.
  #if os(Linux)
    static let userTimeout = SocketOption(level: tcp, name: TCP_USER_TIMEOUT)
  #else
    static let userTimeout = SocketOption(level: tcp, name: -1)
  #endif

  func set(_ value: Int, on descriptor: Int32) throws(UVError) {
    guard name >= 0 else { return }
    var value = Int32(clamping: value)
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe setsockopt(descriptor, level, name, &value, size) == 0 else {
      throw UVError(-errno, .setOption)
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
