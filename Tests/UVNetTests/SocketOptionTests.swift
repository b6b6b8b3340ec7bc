import Testing
import UVNetTestKit

@testable import UVNet

@Suite struct SocketOptionTests {
  @Test func `accepted connections inherit keepalive and user timeout from their listener`() throws
  {
    try LoopHarness.run { loop, calls in
      let options = TCPListener.Options(
        keepAlive: KeepAlive(idle: 31, interval: 7, count: 4), userTimeout: 9000)
      let listener = try TCPListener.listen(
        at: SocketAddress(.loopback, port: 0), on: loop, options: options
      ) { listener, accepted in
        expectNoError {
          let descriptor = try accepted.descriptor()
          #expect(SocketOption.keepAlive.value(on: descriptor) == 1)
          #expect(SocketOption.keepAliveIdle.value(on: descriptor) == 31)
          #expect(SocketOption.keepAliveInterval.value(on: descriptor) == 7)
          #expect(SocketOption.keepAliveCount.value(on: descriptor) == 4)
          #if os(Linux)
            #expect(SocketOption.userTimeout.value(on: descriptor) == 9000)
          #endif
        }
        calls.record("accepted")
        accepted.close()
        listener.close()
      }
      TCPConnection.connect(to: listener.localAddress, on: loop) { result in
        expectNoError { try result.get().close() }
      }
      calls.expect(["accepted"])
    }
  }

  @Test func `the versions of libuv are told`() {
    for version in [EventLoop.builtWithLibuv, EventLoop.runningLibuv] {
      #expect(version.split(separator: ".").compactMap { Int($0) }.count == 3)
    }
  }
}
