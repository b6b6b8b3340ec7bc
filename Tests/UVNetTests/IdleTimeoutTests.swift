import Testing
import UVNetTestKit

@testable import UVNet

@Suite struct IdleTimeoutTests {
  /// A connection on the loop, and the raw socket at its other end.
  private static func connect(
    _ loop: EventLoop, _ body: @escaping (TCPConnection, RawSocket) throws -> Void
  ) throws {
    let peer = try RawSocket.listen()
    TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
      expectNoError { try body(try result.get(), try peer.accept()) }
    }
  }

  @Test func `a silent connection is closed, never early, and told why`() throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        let start = loop.now
        connection.start(
          .init(
            onData: { _, _ in },
            onClose: { _, reason in
              #expect(reason == .idle)
              #expect(start.duration(to: loop.now) >= .milliseconds(60))
              calls.record("\(reason)")
              expectNoError {
                let rest = try peer.receiveToEnd()
                #expect(rest.isEmpty)
              }
            }))
        #expect(connection.idleTimeout == nil)
        connection.setIdleTimeout(.milliseconds(60))
        #expect(connection.idleTimeout == .milliseconds(60))
      }
      calls.expect(["idle"])
    }
  }

  @Test func `bytes keep a connection open, and the time counts from the last of them`() throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        var last = loop.now
        connection.start(
          .init(
            onData: { _, _ in last = loop.now },
            onClose: { _, reason in
              peer.close()
              #expect(last.duration(to: loop.now) >= .milliseconds(60))
              calls.record("\(reason) \(connection.bytesRead)")
            }))
        connection.setIdleTimeout(.milliseconds(60))
        LoopTimer.every(.milliseconds(20), on: loop) { timer in
          expectNoError { try peer.send([1]) }
          if connection.bytesRead >= 9 || connection.isClosing { timer.cancel() }
        }
      }
      calls.expect(["idle 10"])
    }
  }

  private static let countings: [(StreamConnection.IdleTraffic, String)] = [
    (.received, "idle"), (.sent, "local"), ([.received, .sent], "local"),
  ]

  @Test(arguments: countings)
  func `what is sent counts where it is to count`(
    traffic: StreamConnection.IdleTraffic, reason: String
  )
    throws
  {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        connection.start(
          .init(
            onData: { _, _ in },
            onClose: { _, reason in
              calls.record("\(reason)")
              peer.close()
            }))
        connection.setIdleTimeout(.milliseconds(100), counting: traffic)
        var beats = 0
        LoopTimer.every(.milliseconds(20), on: loop) { timer in
          beats += 1
          guard !connection.isClosing, beats < 15 else {
            connection.close()
            return timer.cancel()
          }
          expectNoError { try connection.write("x") }
        }
      }
      calls.expect([reason])
    }
  }

  @Test func `the time may be changed and taken back, and ends with a graceful close`() throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        connection.start(
          .init(
            onData: { _, _ in },
            onClose: { _, reason in
              calls.record("\(reason)")
              peer.close()
            }))
        connection.setIdleTimeout(.milliseconds(1))
        connection.setIdleTimeout(.milliseconds(40))
        connection.setIdleTimeout(nil)
        #expect(connection.idleTimeout == nil)
        LoopTimer.after(.milliseconds(100), on: loop) { _ in
          #expect(!connection.isClosing)
          connection.setIdleTimeout(.milliseconds(20))
          connection.closeGracefully(within: .milliseconds(100))
          #expect(connection.idleTimeout == nil)
          calls.record("graceful")
        }
      }
      calls.expect(["graceful", "local"])
    }
  }

  @Test func `each connection has its own time, and one that leaves takes no other with it`() throws
  {
    try LoopHarness.run { loop, calls in
      let names = [120, 60, 60, 40, 120, 60]
      var open: [Int: TCPConnection] = [:]
      for (number, timeout) in names.enumerated() {
        try loop.withConnectedPair { connected, accepted in
          accepted.start(.init(onData: { _, _ in }))
          connected.start(
            .init(
              onData: { _, _ in },
              onClose: { _, reason in calls.record("\(number) \(reason)") }))
          open[number] = connected
          guard open.count == names.count else { return }
          for (number, timeout) in names.enumerated() {
            open[number]?.setIdleTimeout(.milliseconds(timeout))
          }
          open[1]?.close()
          open[4]?.close()
          loop.nextTick { open = [:] }
        }
        _ = timeout
      }
      loop.run()
      #expect(Set(calls.names) == ["1 local", "4 local", "0 idle", "2 idle", "3 idle", "5 idle"])
      #expect(calls.names.last == "0 idle")
      #expect(calls.names.dropFirst(2).first == "3 idle")
    }
  }

  @Test func `bytes that came while the loop stood still count`() throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        connection.start(
          .init(
            onData: { connection, _ in
              calls.record("data")
              connection.setIdleTimeout(nil)
              connection.close()
            },
            onClose: { _, reason in calls.record("\(reason)") }))
        connection.setIdleTimeout(.milliseconds(50))
        loop.nextTick {
          let until = loop.now.advanced(by: .milliseconds(200))
          expectNoError { try peer.send([1]) }
          while loop.now < until {}
        }
      }
      calls.expect(["data", "local"])
    }
  }

  @Test func `idleness is seen by looking, and counts from the look that saw the last bytes`() {
    var clock = IdleClock(0, at: 100)
    clock.observe(0, at: 150)
    #expect(clock.lastBytes == 100)
    #expect(!clock.isIdle(for: 51, at: 150))
    #expect(clock.isIdle(for: 50, at: 150))
    clock.observe(7, at: 160)
    #expect(!clock.isIdle(for: 50, at: 209))
    #expect(clock.isIdle(for: 50, at: 210))
    clock.excuse(30, at: 210)
    #expect(!clock.isIdle(for: 50, at: 239))
    #expect(clock.isIdle(for: 50, at: 240))
    clock.excuse(1000, at: 240)
    #expect(clock.lastBytes == 240)
  }

  @Test func `a look that comes late only observes, and the next one judges`() {
    let millisecond: UInt64 = 1_000_000
    var schedule = IdleSchedule(timeout: 1600 * millisecond, at: 0)
    #expect(schedule.interval == 100 * millisecond)
    #expect(schedule.beginLook(at: 150 * millisecond) == 0)
    #expect(schedule.due == 250 * millisecond)
    #expect(schedule.beginLook(at: 1250 * millisecond) == 1000 * millisecond)
    #expect(schedule.due == 1350 * millisecond)
    // Late again: a machine that is always busy is no excuse for ever.
    #expect(schedule.beginLook(at: 2350 * millisecond) == 0)
    #expect(IdleSchedule(timeout: 1, at: 0).interval == 10 * millisecond)
    #expect(IdleSchedule(timeout: .max, at: 0).interval == 5000 * millisecond)
  }
}
