import Testing
import UVNet
import UVNetTestKit

@Suite struct LoopCountersTests {
  @Test func `bytes of open and of closed connections count, and handles by their kind`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { accepted, bytes in
              expectNoError { try accepted.write(bytes) }
            },
            onClose: { accepted, _ in
              #expect(accepted.bytesWritten == 5)
              calls.record("accepted closed")
              if calls.names.count == 3 { expect([:]) }
            }))
        connected.start(
          .init(
            onData: { connected, bytes in
              guard connected.bytesRead == 5 else { return }
              expect(["TCPConnection": 2])
              calls.record("echoed")
              connected.closeGracefully()
            },
            onClose: { _, _ in
              calls.record("connected closed")
              if calls.names.count == 3 { expect([:]) }
            }))
        expectNoError { try connected.write("hello") }
      }
      func expect(_ open: [String: Int]) {
        let counters = loop.counters
        #expect(counters.bytesRead == 10)
        #expect(counters.bytesWritten == 10)
        // Beside the watchdog, timers of connecting and of the graceful close may still be closing.
        var found = counters.openHandles
        #expect(found.removeValue(forKey: "LoopTimer") ?? 0 >= 1)
        #expect(found == open)
        #expect(counters.longestCallback == nil)
        #expect(counters.turns > 0)
      }
      loop.run()
      #expect(calls.names.first == "echoed")
      #expect(calls.names.count == 3)
    }
  }

  @Test func `bytes that the kernel has not taken do not count, nor once they are lost`() throws {
    let peer = try RawSocket.listen()
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          connection.start(
            .init(
              onData: { _, _ in },
              onClose: { connection, _ in
                #expect(connection.pendingBytes > 0)
                #expect(loop.counters.bytesWritten == connection.bytesWritten)
                calls.record("closed")
              }))
          try connection.write([UInt8](repeating: 0, count: 12 << 20))
          loop.nextTick {
            loop.nextTick {
              let counted = loop.counters.bytesWritten
              #expect(counted > 0)
              #expect(counted == connection.bytesWritten)
              #expect(counted < 12 << 20)
              connection.close()
            }
          }
        }
      }
      calls.expect(["closed"])
    }
  }

  @Test func `every turn counts`() throws {
    let loop = try EventLoop()
    #expect(loop.counters.turns == 0)
    for turn in UInt64(1)...3 {
      loop.nextTick {}
      loop.runWithoutWaiting()
      #expect(loop.counters.turns == turn)
    }
    try loop.close()
  }

  @Test func `the longest callback is found among I-O, timers, ticks and work from elsewhere`()
    throws
  {
    let loop = try EventLoop()
    func work(_ milliseconds: Int) {
      let until = loop.now.advanced(by: .milliseconds(milliseconds))
      while loop.now < until {}
    }
    func longest(_ body: (_ called: @escaping () -> Void) throws -> Void) throws -> Duration {
      loop.resetLongestCallback()
      var isCalled = false
      try body { isCalled = true }
      while !isCalled { loop.runOnce() }
      return try #require(loop.counters.longestCallback)
    }
    #expect(loop.counters.longestCallback == nil)
    loop.measuresCallbacks = true
    #expect(loop.counters.longestCallback == .zero)
    let timer = try longest { called in
      LoopTimer.after(.milliseconds(1), on: loop) { _ in
        work(20)
        called()
      }
    }
    #expect(timer >= .milliseconds(20))
    let tick = try longest { called in
      loop.nextTick {
        work(5)
        called()
      }
    }
    #expect(tick >= .milliseconds(5))
    let remote = try longest { called in
      nonisolated(unsafe) let called = called
      nonisolated(unsafe) let work = work
      loop.remote.execute { _ in
        work(5)
        called()
      }
    }
    #expect(remote >= .milliseconds(5))
    let data = try longest { called in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { accepted, _ in
              work(5)
              accepted.close()
            }, onClose: { _, _ in called() }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError { try connected.write("x") }
      }
    }
    #expect(data >= .milliseconds(5))
    loop.measuresCallbacks = false
    #expect(loop.counters.longestCallback == nil)
    loop.endAndClose()
  }

  @Test func `datagrams of open and of closed sockets count`() throws {
    try LoopHarness.run { loop, calls in
      let address = SocketAddress(.loopback, port: 0)
      let receiver = try UDPSocket.bind(to: address, on: loop)
      let sender = try UDPSocket.bind(to: address, on: loop)
      receiver.start(
        .init(
          onDatagram: { receiver, _, _ in receiver.close() },
          onClose: { _ in
            loop.nextTick {
              #expect(loop.counters.datagramsReceived == 1)
              #expect(loop.counters.datagramsSent == 1)
              #expect(loop.counters.openHandles["UDPSocket"] == 1)
              sender.close()
              calls.record("counted")
            }
          }))
      _ = try sender.send([1].span.bytes, to: receiver.localAddress)
      calls.expect(["counted"])
    }
  }
}
