#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A blocking TCP socket on loopback, or a Unix socket, for tests that drive a program from
/// outside.
///
/// It does exactly what the test says: half a frame, a reset, silence. Every wait is bounded by
/// ``patience``, and goes on when a signal, or a stop of the whole process, interrupts it.
public final class RawSocket {
  /// Seconds that one call may wait.
  public static let patience = 20

  /// What a socket reports.
  public enum Failure: Error, CustomStringConvertible {
    /// A system call failed.
    case system(String, Int32)
    /// The peer sent nothing for ``RawSocket/patience`` seconds.
    case timedOut(String)
    /// The stream ended before the bytes that were waited for.
    case ended([UInt8])

    /// The failure in words.
    public var description: String {
      switch self {
      case .system(let call, let code): "\(call): \(unsafe String(cString: strerror(code)))"
      case .timedOut(let call): "\(call): nothing came in \(RawSocket.patience) s"
      case .ended(let bytes): "the stream ended after \(bytes)"
      }
    }
  }

  private(set) var descriptor: Int32

  init(adopting descriptor: Int32) throws {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var patience = timeval(tv_sec: Self.patience, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
  }

  deinit { close() }

  private static func tcp() throws -> Int32 {
    #if canImport(Darwin)
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #else
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    guard descriptor >= 0 else { throw Failure.system("socket", errno) }
    return descriptor
  }

  private static func withLoopback<R>(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
  ) -> R {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// Connects to a port of 127.0.0.1.
  ///
  /// - Parameters:
  ///   - port: The port.
  ///   - receiveBuffer: SO_RCVBUF in bytes, to be slow on purpose; `nil` leaves the system's.
  /// - Returns: The connected socket.
  /// - Throws: The system's error.
  public static func connect(port: UInt16, receiveBuffer: Int32? = nil) throws -> RawSocket {
    let connection = try RawSocket(adopting: tcp())
    if var size = receiveBuffer {
      _ = unsafe setsockopt(
        connection.descriptor, SOL_SOCKET, SO_RCVBUF, &size,
        socklen_t(MemoryLayout<Int32>.size))
    }
    let status = unsafe withLoopback(port) { address, length in
      unsafe sysConnect(connection.descriptor, address, length)
    }
    if status != 0 {
      guard errno == EINTR else { throw Failure.system("connect", errno) }
      try connection.waitUntilConnected()
    }
    // Where no socket listens, the system may give this same port to this end, which then connects
    // to itself.
    guard connection.port != port else { throw Failure.system("connect", ECONNREFUSED) }
    var on: Int32 = 1
    _ = unsafe setsockopt(
      connection.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on,
      socklen_t(MemoryLayout<Int32>.size))
    return connection
  }

  /// Listens on a port of 127.0.0.1.
  ///
  /// - Parameters:
  ///   - port: The port; 0 is any free one.
  ///   - backlog: Connections that the system queues, at least one.
  /// - Returns: A socket to ``accept()`` on.
  /// - Throws: The system's error.
  public static func listen(port: UInt16 = 0, backlog: Int32 = 64) throws -> RawSocket {
    let listener = try RawSocket(adopting: tcp())
    var on: Int32 = 1
    _ = unsafe setsockopt(
      listener.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    let status = unsafe withLoopback(port) { address, length in
      unsafe sysBind(listener.descriptor, address, length)
    }
    guard status == 0 else { throw Failure.system("bind", errno) }
    guard sysListen(listener.descriptor, backlog) == 0 else {
      throw Failure.system("listen", errno)
    }
    return listener
  }

  /// Begins to connect to this listener without waiting; the caller closes what is returned.
  public func beginConnecting() -> Int32 {
    guard let descriptor = try? Self.tcp() else { return -1 }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    _ = unsafe Self.withLoopback(port) { address, length in
      unsafe sysConnect(descriptor, address, length)
    }
    return descriptor
  }

  /// Waits for a connection.
  ///
  /// - Returns: The accepted socket.
  /// - Throws: ``Failure/timedOut(_:)`` when no client connects.
  public func accept() throws -> RawSocket {
    let accepted = uninterrupted { sysAccept(descriptor, nil, nil) }
    guard accepted >= 0 else { throw failure("accept") }
    return try RawSocket(adopting: accepted)
  }

  /// This end's port; 0 once the socket is closed.
  public var port: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe getsockname(descriptor, pointer, &length)
      }
    }
    return status == 0 ? UInt16(bigEndian: address.sin_port) : 0
  }

  /// Sends all of `bytes`.
  ///
  /// - Parameter bytes: What to send.
  /// - Throws: The system's error, or ``Failure/timedOut(_:)`` when the peer does not read.
  public func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = unsafe rest.withUnsafeBytes { bytes in
        uninterrupted {
          unsafe sysSend(descriptor, bytes.baseAddress, bytes.count, Self.noSignal)
        }
      }
      guard sent > 0 else { throw failure("send") }
      rest = rest.dropFirst(sent)
    }
  }

  /// Sends what the system takes without waiting.
  ///
  /// - Parameter bytes: What to send.
  /// - Returns: How many bytes were taken; 0 also when the connection has failed.
  public func sendWhatFits(_ bytes: [UInt8]) -> Int {
    unsafe bytes.withUnsafeBytes { bytes in
      unsafe max(
        0, sysSend(descriptor, bytes.baseAddress, bytes.count, Self.noSignal | Self.noWaiting))
    }
  }

  /// Sends one byte as urgent data.
  ///
  /// - Parameter byte: The byte.
  /// - Throws: The system's error.
  public func sendUrgent(_ byte: UInt8) throws {
    var byte = byte
    let sent = uninterrupted { unsafe sysSend(descriptor, &byte, 1, Self.urgent) }
    guard sent == 1 else { throw failure("send") }
  }

  /// Receives exactly `count` bytes.
  ///
  /// - Parameter count: How many.
  /// - Returns: The bytes.
  /// - Throws: ``Failure/ended(_:)`` with what came, when the stream ends before.
  public func receive(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let piece = try receiveSome(atMost: count - bytes.count)
      guard !piece.isEmpty else { throw Failure.ended(bytes) }
      bytes += piece
    }
    return bytes
  }

  /// Receives what there is, waiting for at least one byte.
  ///
  /// - Parameter limit: The most bytes to take.
  /// - Returns: The bytes; none at the end of the stream.
  /// - Throws: The system's error, such as the peer's reset.
  public func receiveSome(atMost limit: Int = 65536) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = unsafe buffer.withUnsafeMutableBytes { buffer in
      uninterrupted { unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }
    guard count >= 0 else { throw failure("recv") }
    return Array(buffer[..<count])
  }

  /// Receives until the peer ends its stream.
  ///
  /// - Returns: All that came.
  /// - Throws: The system's error, such as the peer's reset.
  public func receiveToEnd() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = try receiveSome()
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  /// Ends this side's stream (FIN).
  public func shutdownWrite() { _ = shutdown(descriptor, Self.writeSide) }

  /// Drops the connection with a reset (RST).
  public func reset() {
    var now = linger(l_onoff: 1, l_linger: 0)
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  /// Closes the socket; calling it again does nothing.
  public func close() {
    guard descriptor >= 0 else { return }
    _ = sysClose(descriptor)
    descriptor = -1
  }

  /// Gives the descriptor away; the caller closes it.
  public func release() -> Int32 {
    defer { descriptor = -1 }
    return descriptor
  }

  private func failure(_ call: String) -> Failure {
    switch errno {
    case EAGAIN, EWOULDBLOCK, EINTR: .timedOut(call)
    default: .system(call, errno)
    }
  }

  /// Waits for a connection that was begun, after a signal has interrupted the wait: to call
  /// connect(2) again would be an error (POSIX).
  private func waitUntilConnected() throws {
    var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let count = uninterrupted { unsafe poll(&polled, 1, Int32(Self.patience * 1000)) }
    guard count > 0 else { throw count == 0 ? .timedOut("connect") : failure("poll") }
    var error: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
    guard error == 0 else { throw Failure.system("connect", error) }
  }

  #if canImport(Darwin)
    private static let noSignal: Int32 = 0
    private static let noWaiting = MSG_DONTWAIT
    private static let urgent = MSG_OOB
    private static let writeSide = SHUT_WR
  #else
    private static let noSignal = Int32(MSG_NOSIGNAL)
    private static let noWaiting = Int32(MSG_DONTWAIT)
    private static let urgent = Int32(MSG_OOB)
    private static let writeSide = Int32(SHUT_WR)
  #endif
}

/// Makes a system call again when a signal interrupts it, for ``RawSocket/patience`` seconds.
///
/// A call on a socket with a time limit is never restarted by Linux, whatever SA_RESTART says; a
/// process that was stopped and goes on sees the same (signal(7)).
func uninterrupted<Count: FixedWidthInteger>(_ call: () -> Count) -> Count {
  let deadline = ContinuousClock.now + .seconds(RawSocket.patience)
  while true {
    let count = call()
    guard count < 0, errno == EINTR, ContinuousClock.now < deadline else { return count }
  }
}

// The C functions, where the class's own methods would hide them.
private func sysConnect(_ s: Int32, _ a: UnsafePointer<sockaddr>, _ l: socklen_t) -> Int32 {
  unsafe connect(s, a, l)
}
private func sysBind(_ s: Int32, _ a: UnsafePointer<sockaddr>, _ l: socklen_t) -> Int32 {
  unsafe bind(s, a, l)
}
private func sysListen(_ s: Int32, _ backlog: Int32) -> Int32 { listen(s, backlog) }
private func sysAccept(
  _ s: Int32, _ a: UnsafeMutablePointer<sockaddr>?, _ l: UnsafeMutablePointer<socklen_t>?
) -> Int32 { unsafe accept(s, a, l) }
private func sysSend(_ s: Int32, _ b: UnsafeRawPointer?, _ n: Int, _ flags: Int32) -> Int {
  unsafe send(s, b, n, flags)
}
private func sysClose(_ s: Int32) -> Int32 { close(s) }
