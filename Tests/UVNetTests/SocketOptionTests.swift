import Testing
import UVNetTestKit

@testable import UVNet

@Suite struct SocketOptionTests {
  @Test func `accepted connections inherit keepalive and user timeout from their listener`() throws
  {
    try LoopHarness.run { loop, calls in
      let options = TCPListener.Options(
        connections: .init(
          keepAlive: .init(idle: .seconds(31), interval: .seconds(7), count: 4),
          userTimeout: .seconds(9)))
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
      #expect(listener.refusedOptions.isEmpty)
      TCPConnection.connect(to: listener.localAddress, on: loop) { result in
        expectNoError { try result.get().close() }
      }
      calls.expect(["accepted"])
    }
  }

  @Test func `an option that the system does not have is told by its name, and is no failure`()
    throws
  {
    // A Unix socket has no option of TCP's, as gVisor's and old systems' sockets lack some.
    let descriptor = socket(AF_UNIX, streamSocket, 0)
    defer { close(descriptor) }
    let options = TCPOptions(
      keepAlive: .init(idle: .seconds(31), interval: .seconds(7), count: 4),
      userTimeout: .milliseconds(1))
    let refused = try options.apply(to: descriptor)
    #expect(
      refused.map { $0.detail } == [
        "TCP_NODELAY = 1", "TCP_KEEPIDLE = 31", "TCP_KEEPINTVL = 7", "TCP_KEEPCNT = 4",
        "TCP_USER_TIMEOUT = 1",
      ])
    #expect(SocketOption.keepAlive.value(on: descriptor) == 1, "the others are set")
  }

  @Test func `a time below a millisecond is no time for ever`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        expectNoError {
          try connected.setOptions(.init(userTimeout: .microseconds(1)))
          #if os(Linux)
            #expect(try SocketOption.userTimeout.value(on: connected.descriptor()) == 1)
          #endif
        }
        let error = #expect(throws: UVError.self) {
          try connected.setOptions(.init(userTimeout: .seconds(Int64.min)))
        }
        #expect(error?.code == .invalidArgument)
        connected.close()
        accepted.close()
        calls.record("done")
      }
      calls.expect(["done"])
    }
  }

  @Test func `the versions of libuv are told`() {
    for version in [EventLoop.builtWithLibuv, EventLoop.runningLibuv] {
      #expect(version.split(separator: ".").compactMap { Int($0) }.count == 3)
    }
  }
}
