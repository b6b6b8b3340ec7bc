import Testing
import UVNetTestKit

@testable import UVNet

/// A loop that stood still hears what has come meanwhile before it calls time.
@Suite struct LateTimersTests {
  /// Lets the loop stand still in a callback of its I/O until `instant`, with `body` called first.
  private static func standStill(
    _ loop: EventLoop, until instant: EventLoop.Instant, _ body: @escaping () -> Void
  ) throws {
    try loop.withConnectedPair { connected, accepted in
      accepted.start(
        .init(onData: { accepted, _ in
          body()
          while loop.now < instant {}
          accepted.close()
        }))
      connected.start(.init(onData: { _, _ in }))
      expectNoError { try connected.write("go") }
    }
  }

  /// A connection on the loop, and the raw socket at its other end.
  private static func connect(
    _ loop: EventLoop, _ body: @escaping (TCPConnection, RawSocket) -> Void
  ) throws {
    let peer = try RawSocket.listen()
    TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
      expectNoError { body(try result.get(), try peer.accept()) }
    }
  }

  @Test(arguments: [false, true])
  func `bytes that came while the loop stood still are told before a timer that is due since`(
    isPrecise: Bool
  ) throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        connection.start(.init(onData: { _, _ in calls.record("data") }))
        let due = loop.now.advanced(by: .milliseconds(50))
        let timer = LoopTimer.unscheduled(on: loop, isPrecise: isPrecise) { timer in
          #expect(loop.now >= due)
          calls.record("timer")
          timer.cancel()
          connection.close()
        }
        timer.schedule(at: due)
        expectNoError {
          try Self.standStill(loop, until: due.advanced(by: .milliseconds(50))) {
            expectNoError { try peer.send([1]) }
          }
        }
      }
      calls.expect(["data", "timer"])
    }
  }

  @Test func `late timers are called in the order in which they are due, and before later ones`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        connection.start(.init(onData: { _, _ in calls.record("data") }))
        let start = loop.now
        // The last two are hardly late or not due yet when the loop goes on.
        for delay in [190, 40, 215, 90, 199] {
          let due = start.advanced(by: .milliseconds(delay))
          let timer = LoopTimer.unscheduled(on: loop) { timer in
            #expect(loop.now >= due)
            calls.record("\(delay)")
            timer.cancel()
            if delay == 215 { connection.close() }
          }
          timer.schedule(at: due)
        }
        expectNoError {
          try Self.standStill(loop, until: start.advanced(by: .milliseconds(200))) {
            expectNoError { try peer.send([1]) }
          }
        }
      }
      calls.expect(["data", "40", "90", "190", "199", "215"])
    }
  }

  @Test func `a timer that is scheduled for the past does not wait for a poll`() throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        connection.start(
          .init(onData: { connection, _ in
            calls.record("data")
            connection.close()
          }))
        expectNoError { try peer.send([1]) }
        LoopTimer.unscheduled(on: loop) { timer in
          calls.record("timer")
          timer.cancel()
        }.schedule(at: EventLoop.Instant(nanoseconds: 0))
      }
      calls.expect(["timer", "data"])
    }
  }

  @Test func `late timers are taken back and called in any number`() throws {
    var late = LateTimers()
    try LoopHarness.run { loop, _ in
      let timers = (0..<300).map { _ in LoopTimer.unscheduled(on: loop) { _ in } }
      for round in 0..<3 {
        let places = timers.map { late.append($0) }
        for index in timers.indices where index % 3 == round { late.remove(at: places[index]) }
        for index in timers.indices where index % 3 != round {
          #expect(late.popFirst() === timers[index])
        }
        #expect(late.count == 0 && late.popFirst() == nil)
      }
      for timer in timers { timer.cancel() }
    }
  }

  @Test(arguments: ["cancel", "unschedule", "schedule"])
  func `a timer can be taken back by what came while the loop stood still`(how: String) throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        let due = loop.now.advanced(by: .milliseconds(50))
        var earliest = due
        let timer = LoopTimer.unscheduled(on: loop) { timer in
          #expect(loop.now >= earliest)
          calls.record("timer")
          timer.cancel()
        }
        timer.schedule(at: due)
        connection.start(
          .init(onData: { connection, _ in
            calls.record("data")
            switch how {
            case "cancel": timer.cancel()
            case "unschedule":
              timer.unschedule()
              LoopTimer.after(.milliseconds(5), on: loop) { _ in timer.cancel() }
            default:
              earliest = loop.now.advanced(by: .milliseconds(30))
              timer.schedule(at: earliest)
            }
            connection.close()
          }))
        expectNoError {
          try Self.standStill(loop, until: due.advanced(by: .milliseconds(50))) {
            expectNoError { try peer.send([1]) }
          }
        }
      }
      calls.expect(how == "schedule" ? ["data", "timer"] : ["data"])
    }
  }

  @Test func `a late timer whose callback takes long lets I/O run before the next one`() throws {
    try LoopHarness.run { loop, calls in
      try Self.connect(loop) { connection, peer in
        connection.start(.init(onData: { _, _ in calls.record("data") }))
        let start = loop.now
        LoopTimer.after(.milliseconds(20), on: loop) { _ in
          calls.record("first")
          expectNoError { try peer.send([1]) }
          let end = loop.now.advanced(by: .milliseconds(40))
          while loop.now < end {}
        }
        LoopTimer.after(.milliseconds(30), on: loop) { _ in
          calls.record("second")
          connection.close()
        }
        expectNoError {
          try Self.standStill(loop, until: start.advanced(by: .milliseconds(80))) {}
        }
      }
      calls.expect(["first", "data", "second"])
    }
  }

  @Test func `a connection that was made while the loop stood still has not timed out`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      try Self.standStill(loop, until: loop.now.advanced(by: .milliseconds(200))) {
        TCPConnection.connect(
          to: SocketAddress(.loopback, port: peer.port), on: loop, timeout: .milliseconds(20)
        ) { result in
          expectNoError { try result.get().close() }
          peer.close()
          calls.record("connected")
        }
      }
      calls.expect(["connected"])
    }
  }

  @Test
  func `a late timer that does not keep the loop alive does not, and one that does is called`()
    throws
  {
    for keepsLoopAlive in [true, false] {
      let loop = try EventLoop()
      var fired = false
      let timer = LoopTimer.after(.milliseconds(5), on: loop) { _ in fired = true }
      timer.keepsLoopAlive = keepsLoopAlive
      loop.nextTick {
        let end = loop.now.advanced(by: .milliseconds(40))
        while loop.now < end {}
      }
      loop.run()
      if keepsLoopAlive { #expect(fired) }
      timer.cancel()
      loop.run()
      try loop.close()
    }
  }
}
