import Testing
import UVNet
import UVNetTestKit

/// What libuv and the system do that a user of the library would not guess, held fast.
@Suite struct LibuvBehaviourTests {
  @Test func `accepted connections inherit the listener's noDelay`() throws {
    for enabled in [true, false] {
      try LoopHarness.run { loop, calls in
        let listener = try TCPListener.listen(
          at: SocketAddress(.loopback, port: 0), on: loop,
          options: .init(connections: .init(noDelay: enabled))
        ) { listener, accepted in
          #expect(accepted.noDelay == enabled)
          expectNoError { try accepted.setOptions(.init(noDelay: !enabled)) }
          #expect(accepted.noDelay == !enabled)
          accepted.close()
          #expect(!accepted.noDelay)
          listener.close()
          calls.record("accepted")
        }
        TCPConnection.connect(to: listener.localAddress, on: loop) { result in
          expectNoError { try result.get().close() }
        }
        calls.expect(["accepted"])
      }
    }
  }

  @Test func `a paused connection with nothing to send hears of a reset when it reads again`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
        accepted.pauseReading()
        connected.reset()
        LoopTimer.after(.milliseconds(30), on: loop) { _ in
          calls.record("resume")
          accepted.resumeReading()
        }
      }
      calls.expect(["resume", "closed"])
    }
  }

  @Test func `a paused connection that has something to send hears of a reset at once`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
        accepted.pauseReading()
        expectNoError { try accepted.write([UInt8](repeating: 0, count: 8 << 20)) }
        LoopTimer.after(.milliseconds(5), on: loop) { _ in
          #expect(accepted.pendingBytes > 0)
          connected.reset()
        }
      }
      calls.expect(["closed"])
    }
  }

  @Test func `a reset that arrives together with data is no clean end`() throws {
    for _ in 0..<20 {
      try LoopHarness.run { loop, calls in
        try loop.withConnectedPair { connected, accepted in
          expectNoError { try connected.write("hello") { _ in connected.reset() } }
          // Both are there when it begins to read.
          LoopTimer.after(.milliseconds(5), on: loop) { _ in
            accepted.start(
              .init(
                onData: { _, _ in },
                onEnd: { accepted in
                  calls.record("end")
                  accepted.close()
                },
                onClose: { _, reason in
                  if let error = reason.error { calls.record(error.name) }
                }))
          }
        }
        calls.expect(["ECONNRESET"])
      }
    }
  }

  @Test func `closing with unread input resets, and closing gracefully does not`() throws {
    for graceful in [false, true] {
      let peer = try RawSocket.listen()
      var script: RawSocket?
      try LoopHarness.run { loop, _ in
        TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
          expectNoError {
            let connection = try result.get()
            let accepted = try peer.accept()
            script = accepted
            try accepted.send([1, 2, 3])
            try connection.write("answer") { _ in
              if graceful { connection.closeGracefully() } else { connection.close() }
            }
            // The peer ends after a while, as it would once it has the answer.
            LoopTimer.after(.milliseconds(10), on: loop) { _ in accepted.shutdownWrite() }
          }
        }
      }
      if graceful {
        #expect(try script?.receiveToEnd() == Array("answer".utf8))
      } else {
        #expect(throws: RawSocket.Failure.self) {
          while try script?.receiveSome().isEmpty == false {}
        }
      }
    }
  }

  @Test func `what the timers of one turn write leaves in one piece`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(onData: { accepted, bytes in
            calls.record(String(decoding: bytes.array, as: UTF8.self))
            accepted.close()
          }))
        connected.start(.init(onData: { _, _ in }))
        let due = loop.now.advanced(by: .milliseconds(3))
        for text in ["a", "b", "c"] {
          let timer = LoopTimer.unscheduled(on: loop) { timer in
            expectNoError { try connected.write(text) }
            timer.cancel()
          }
          timer.schedule(at: due)
        }
      }
      calls.expect(["abc"])
    }
  }

  @Test func `a reset during a shutdown, or a graceful close, ends the connection once`() throws {
    for lingering in [false, true] {
      try LoopHarness.run { loop, calls in
        try loop.withConnectedPair { connected, accepted in
          accepted.start(.init(onData: { _, _ in }, onEnd: { $0.pauseReading() }))
          connected.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
          expectNoError { try connected.write([UInt8](repeating: 0, count: 4 << 20)) }
          if lingering { connected.closeGracefully() } else { connected.shutdown() }
          accepted.pauseReading()
          LoopTimer.after(.milliseconds(5), on: loop) { _ in
            if lingering { accepted.reset() } else { connected.reset() }
            accepted.close()
          }
        }
        calls.expect(["closed"])
      }
    }
  }

  @Test func `keepalive and user timeout are set, and refused with values out of range`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        expectNoError {
          try connected.setOptions(
            .init(
              keepAlive: .init(idle: .seconds(10), interval: .seconds(5), count: 3),
              userTimeout: .seconds(1)))
        }
        for (idle, count, name) in [(0, 3, "TCP_KEEPIDLE = 0"), (1, 999, "TCP_KEEPCNT = 999")] {
          let error = #expect(throws: UVError.self) {
            try connected.setOptions(
              .init(keepAlive: .init(idle: .seconds(idle), interval: .seconds(5), count: count)))
          }
          #expect(error?.code == .invalidArgument)
          #if os(Linux)
            #expect(error?.detail == name)
          #endif
        }
        connected.close()
        accepted.close()
        calls.record("done")
      }
      calls.expect(["done"])
    }
  }

  @Test func `a connection that does not keep the loop alive lets it end`() throws {
    let loop = try EventLoop()
    let peer = try RawSocket.listen()
    var connection: TCPConnection?
    TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
      connection = try? result.get()
      connection?.start(.init(onData: { _, _ in }))
      connection?.keepsLoopAlive = false
    }
    loop.run()
    #expect(connection?.isClosing == false)
    #expect(connection?.keepsLoopAlive == false)
    connection?.close()
    loop.run()
    try loop.close()
  }

  @Test func `more listeners, connections and timers than libuv polls at once all get their turn`()
    throws
  {
    try LoopHarness.run { loop, calls in
      for _ in 0..<300 {
        try loop.withConnectedPair { connected, accepted in
          accepted.start(
            .init(onData: { accepted, bytes in
              expectNoError { try accepted.write(bytes) }
              accepted.closeGracefully()
            }))
          connected.start(.init(onData: { _, _ in calls.record("echoed") }))
          expectNoError { try connected.write("x") }
        }
      }
      calls.expect(Array(repeating: "echoed", count: 300))
    }
  }
}

#if os(Linux) && DEBUG
  /// Mistakes in the program itself stop a debug build where they happen.
  @Suite struct MisuseTests {
    @Test func `a closed loop has no open handles, and ending it does nothing`() throws {
      let loop = try EventLoop()
      try loop.close()
      #expect(loop.openHandles.isEmpty)
      loop.end()
    }

    @Test func `a loop that is dropped without close is a mistake`() async {
      await #expect(processExitsWith: .failure) { _ = try EventLoop() }
    }

    @Test func `using a running loop from another thread is a mistake`() async {
      await #expect(processExitsWith: .failure) {
        let loop = try EventLoop()
        nonisolated(unsafe) let elsewhere = loop
        loop.nextTick {
          Thread.detach { elsewhere.nextTick {} }
          sleep(5)
          exit(0)
        }
        loop.run()
      }
    }
  }
#endif
