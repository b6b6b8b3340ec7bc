import Testing
import UVNet
import UVNetTestKit

@Suite struct EventLoopTests {
  @Test func `run returns at once when nothing keeps the loop alive`() throws {
    let loop = try EventLoop()
    loop.run()
    try loop.close()
  }

  @Test func `a tick is called later, in order, and one made in a tick comes on the next turn`()
    throws
  {
    try LoopHarness.run { loop, calls in
      loop.nextTick {
        calls.record("first")
        loop.nextTick { calls.record("third") }
      }
      loop.nextTick { calls.record("second") }
      calls.record("asked")
      calls.expect(["asked", "first", "second", "third"])
    }
  }

  @Test func `ticks that go on for ever let timers run`() throws {
    try LoopHarness.run { loop, calls in
      var ended = false
      func again() { if !ended { loop.nextTick(again) } }
      again()
      LoopTimer.after(.milliseconds(2), on: loop) { _ in
        ended = true
        calls.record("timer")
      }
      calls.expect(["timer"])
    }
  }

  @Test func `stop returns from run, and run goes on where it was`() throws {
    let loop = try EventLoop()
    var ticks = 0
    let timer = LoopTimer.every(.milliseconds(1), on: loop) { _ in
      ticks += 1
      loop.stop()
    }
    loop.run()
    #expect(ticks == 1)
    loop.run()
    #expect(ticks == 2)
    timer.cancel()
    loop.run()
    try loop.close()
  }

  @Test func `closing a loop with open handles names them and changes nothing`() throws {
    let loop = try EventLoop()
    let timer = LoopTimer.after(.seconds(100), on: loop) { _ in Issue.record("not due") }
    let listener = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) {
      _, connection in connection.close()
    }
    let error = try #require(throws: UVError.self) { try loop.close() }
    #expect(error.code == .busy)
    #expect(error.description.contains("LoopTimer"))
    #expect(error.description.contains("TCPListener \(listener.localAddress)"))
    timer.cancel()
    listener.close()
    loop.run()
    try loop.close()
    try loop.close()
  }

  @Test func `the end of a loop closes every kind of handle`() throws {
    try LoopHarness.run { loop, _ in
      LoopTimer.every(.seconds(1), on: loop) { _ in }
      try SignalSource.on(SIGUSR1, on: loop) { _ in }
      _ = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) { _, _ in }
      TCPConnection.connect(to: SocketAddress(.loopback, port: 1), on: loop) { _ in }
      #expect(loop.openHandles.count >= 5)  // the connect timeout's timer too
      loop.end()
    }
  }

  @Test func `the clock is monotonic and counts in nanoseconds`() throws {
    let loop = try EventLoop()
    let first = loop.now
    let second = loop.now
    #expect(first <= second)
    #expect(first.advanced(by: .milliseconds(3)).nanoseconds == first.nanoseconds + 3_000_000)
    #expect(first.duration(to: first.advanced(by: .seconds(-1))) == .seconds(-1))
    #expect(EventLoop.Instant(nanoseconds: 5).advanced(by: .seconds(-1)).nanoseconds == 0)
    #expect(first.advanced(by: .seconds(Int64.max)).nanoseconds == .max)
    #expect(EventLoop.Instant(nanoseconds: .max).advanced(by: .nanoseconds(1)).nanoseconds == .max)
    try loop.close()
  }

  @Test func `two loops in two threads are independent`() async throws {
    let total = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<2 {
        group.addTask {
          let loop = try EventLoop()
          var ticks = 0
          LoopTimer.every(.milliseconds(1), on: loop) { timer in
            ticks += 1
            if ticks == 20 { timer.cancel() }
          }
          loop.run()
          try loop.close()
          return ticks
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(total == 40)
  }
}
