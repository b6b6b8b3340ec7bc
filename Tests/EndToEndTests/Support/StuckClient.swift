import TestTaskProto
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A client that has asked for far more than it will ever take: full on both sides.
final class StuckClient {
  private let descriptor: Int32

  init(port: UInt16) throws {
    descriptor = try RawSocket.connect(port: port, receiveBuffer: 4_096).release()
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    let requests = Array(repeating: Message.fast.frame, count: 20_000).flatMap { $0 }
    // Full when nothing fits for a while.
    var refusals = 0
    while refusals < 50 {
      if send(descriptor, requests, requests.count, Int32(MSG_NOSIGNAL)) < 0 {
        refusals += 1
        usleep(5_000)
      } else {
        refusals = 0
      }
    }
  }

  deinit { close(descriptor) }
}
