import TestTaskProto
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A client that asks and takes nothing.
final class StuckClient {
  private let descriptor: Int32
  /// Bytes of requests that the kernel has taken.
  let sentByteCount: Int

  private init(_ socket: RawSocket, sentByteCount: Int) {
    descriptor = socket.release()
    self.sentByteCount = sentByteCount
  }

  deinit { close(descriptor) }

  /// A client that the server has read all requests of, and owes `unsent` bytes or more that the
  /// kernel will not take, however much its buffers grow.
  ///
  /// A quiet moment is no sign of that: Linux lets a send buffer grow by and by, so that what was
  /// refused for a quarter of a second may yet be taken. The server needs ``settings``.
  static func owed(_ unsent: Int, by server: RunningServer) throws -> StuckClient {
    let socket = try RawSocket.connect(port: server.port, receiveBuffer: 4_096)
    let answerByteCount = 24
    let count = (kernelMaximum + unsent) / answerByteCount + 1
    let requests = Array(repeating: Message.fast.frame, count: count).flatMap { $0 }
    try socket.send(requests)
    // The server is one thread and reads from everybody in turn: between two answers to another
    // client it takes tens of kilobytes at least of what it has not read of this one.
    let other = try server.connect()
    for _ in 0..<100 {
      try other.send(.fast)
      _ = try other.receiveMessage()
    }
    return StuckClient(socket, sentByteCount: requests.count)
  }

  /// Settings that let the server hold so much for one client: it pauses reading at a sixteenth.
  static let settings = "write_buffer_bytes = 1073741824\n"

  /// A client that sends until nothing has fitted for a while.
  static func full(port: UInt16) throws -> StuckClient {
    let socket = try RawSocket.connect(port: port, receiveBuffer: 4_096)
    let requests = Array(repeating: Message.fast.frame, count: 20_000).flatMap { $0 }
    var sentByteCount = 0
    var refusals = 0
    while refusals < 50 {
      let sent = socket.sendWhatFits(requests)
      if sent == 0 { usleep(5_000) }
      refusals = sent == 0 ? refusals + 1 : 0
      sentByteCount += sent
    }
    return StuckClient(socket, sentByteCount: sentByteCount)
  }

  /// The most bytes that the kernel holds for one connection, in both directions' buffers.
  static let kernelMaximum: Int = {
    #if os(Linux)
      let text = (try? readFile("/proc/sys/net/ipv4/tcp_wmem")) ?? ""
      return text.split { $0.isWhitespace }.last.flatMap { Int($0) } ?? 16 << 20
    #else
      return 16 << 20
    #endif
  }()
}
