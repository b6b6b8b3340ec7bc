import Testing
import UVNet
import UVNetTestKit

@Suite struct LoopTimerTests {
  @Test(arguments: [0, 1, 3, 20, 70, 300])
  func `a timer never fires early`(milliseconds: Int) throws {
    try LoopHarness.run { loop, calls in
      let due = loop.now.advanced(by: .milliseconds(milliseconds))
      LoopTimer.after(.milliseconds(milliseconds), on: loop) { _ in
        #expect(loop.now >= due)
        calls.record("fired")
      }
      calls.expect(["fired"])
    }
  }

  @Test(arguments: [0, 30, 700, 1_700, 70_300])
  func `a precise timer never fires early, and fires again when it is scheduled again`(
    microseconds: Int
  ) throws {
    try LoopHarness.run { loop, calls in
      var due = loop.now.advanced(by: .microseconds(microseconds))
      let timer = LoopTimer.unscheduled(on: loop, isPrecise: true) { timer in
        #expect(loop.now >= due)
        calls.record("fired")
        guard calls.names.count < 3 else { return timer.cancel() }
        due = loop.now.advanced(by: .microseconds(microseconds))
        timer.schedule(at: due)
      }
      timer.schedule(at: due)
      calls.expect(["fired", "fired", "fired"])
    }
  }

  @Test func `a precise timer keeps its loop alive while it is scheduled, and only then`() throws {
    let loop = try EventLoop()
    var fired = 0
    let timer = LoopTimer.unscheduled(on: loop, isPrecise: true) { _ in fired += 1 }
    loop.run()
    timer.schedule(after: .milliseconds(2))
    loop.run()
    #expect(fired == 1)
    timer.schedule(after: .milliseconds(2))
    timer.unschedule()
    loop.run()
    #expect(fired == 1, "it was taken back")
    timer.schedule(after: .seconds(60))
    timer.schedule(after: .milliseconds(1))
    loop.run()
    #expect(fired == 2, "the later time holds")
    timer.cancel()
    timer.schedule(after: .milliseconds(1))
    loop.run()
    #expect(fired == 2)
    try loop.close()
  }

  @Test func `a precise timer of 0 ms that schedules itself again lets I/O run`() throws {
    try LoopHarness.run { loop, calls in
      let timer = LoopTimer.unscheduled(on: loop, isPrecise: true) { $0.schedule(after: .zero) }
      timer.schedule(after: .zero)
      try loop.withConnectedPair { connected, accepted in
        connected.close()
        accepted.close()
        timer.cancel()
        calls.record("connected")
      }
      calls.expect(["connected"])
    }
  }

  @Test func `fractions of a millisecond count`() throws {
    try LoopHarness.run { loop, calls in
      for _ in 0..<20 {
        let due = loop.now.advanced(by: .microseconds(1700))
        LoopTimer.after(.microseconds(1700), on: loop) { _ in
          #expect(loop.now >= due)
          calls.record("fired")
        }
      }
      calls.expect(Array(repeating: "fired", count: 20))
    }
  }

  @Test func `a timer is not early although a long callback has made the loop's time stale`() throws
  {
    try LoopHarness.run { loop, calls in
      loop.nextTick {
        let end = loop.now.advanced(by: .milliseconds(30))
        while loop.now < end {}
        let due = loop.now.advanced(by: .milliseconds(10))
        LoopTimer.after(.milliseconds(10), on: loop) { _ in
          #expect(loop.now >= due)
          calls.record("fired")
        }
      }
      calls.expect(["fired"])
    }
  }

  @Test func `a thousand timers fire in the order of their deadlines`() throws {
    try LoopHarness.run { loop, calls in
      let start = loop.now
      var fired: [Int] = []
      for index in 0..<1000 {
        let delay = index * 7919 % 1000
        let timer = LoopTimer.unscheduled(on: loop) { timer in
          fired.append(delay)
          timer.cancel()
          guard fired.count == 1000 else { return }
          // libuv sorts by milliseconds: deadlines within one may change places.
          for (earlier, later) in zip(fired, fired.dropFirst()) {
            #expect(earlier / 20 <= later / 20 + 1)
          }
          calls.record("checked")
        }
        timer.schedule(at: start.advanced(by: .microseconds(delay * 50)))
      }
      calls.expect(["checked"])
    }
  }

  @Test func `every goes on without drift`() throws {
    try LoopHarness.run { loop, calls in
      let start = loop.now
      var ticks = 0
      LoopTimer.every(.milliseconds(3), on: loop) { timer in
        ticks += 1
        #expect(loop.now >= start.advanced(by: .milliseconds(3 * ticks)))
        calls.record("tick")
        if ticks == 10 { timer.cancel() }
      }
      calls.expect(Array(repeating: "tick", count: 10))
    }
  }

  @Test func `a tick that is late does not move the next ones`() throws {
    try LoopHarness.run { loop, calls in
      let start = loop.now
      let timer = LoopTimer.every(.milliseconds(100), on: loop) { timer in
        calls.record("tick")
        switch calls.count(of: "tick") {
        case 1:
          // The second tick is late by half an interval.
          while loop.now < start.advanced(by: .milliseconds(250)) {}
        case 2:
          // The next one is due a quarter of an interval before this, and not after it.
          let passed = (loop.now.nanoseconds - start.nanoseconds) / 100_000_000
          let next = start.advanced(by: .milliseconds(100 * (passed + 1)))
          let marker = LoopTimer.unscheduled(on: loop) { marker in
            calls.record("marker")
            marker.cancel()
          }
          marker.schedule(at: next.advanced(by: .milliseconds(25)))
        default: timer.cancel()
        }
      }
      #expect(timer.isScheduled)
      calls.expect(["tick", "tick", "tick", "marker"])
    }
  }

  @Test func `ticks missed by a busy loop become one, and the next keeps to the grid`() throws {
    try LoopHarness.run { loop, calls in
      let start = loop.now
      // The grid begins between this and `latest`.
      var latest = start
      var earliest = start
      LoopTimer.every(.milliseconds(5), on: loop) { timer in
        calls.record("tick")
        #expect(loop.now >= earliest)
        if calls.names.count == 1 {
          let end = loop.now.advanced(by: .milliseconds(18))
          while loop.now < end {}
          earliest = end
        } else if calls.names.count == 2 {
          // At the end of the busy time, which `earliest` is.
          let passed = earliest.nanoseconds - latest.nanoseconds
          earliest = start.advanced(by: .milliseconds(5 * (passed / 5_000_000 + 1)))
        } else {
          timer.cancel()
        }
      }
      latest = loop.now
      calls.expect(["tick", "tick", "tick"])
    }
  }

  @Test(arguments: [false, true])
  func `a timer of 0 ms that schedules itself again lets I/O run`(forThePast: Bool) throws {
    try LoopHarness.run { loop, calls in
      var fired = 0
      // For the past it is due before any I/O, again and again.
      let schedule = { (timer: LoopTimer) in
        if forThePast {
          timer.schedule(at: EventLoop.Instant(nanoseconds: 0))
        } else {
          timer.schedule(after: .zero)
        }
      }
      let spinner = LoopTimer.unscheduled(on: loop) { timer in
        fired += 1
        schedule(timer)
      }
      schedule(spinner)
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(onData: { accepted, bytes in
            #expect(bytes.array == Array("hello".utf8))
            calls.record("data")
            // Once a turn, and the bytes take a few turns.
            #expect(fired < 100)
            spinner.cancel()
            accepted.close()
          }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError { try connected.write("hello") }
      }
      calls.expect(["data"])
    }
  }

  @Test func `a timer can be cancelled twice in its own callback`() throws {
    try LoopHarness.run { loop, calls in
      LoopTimer.every(.milliseconds(1), on: loop) { timer in
        calls.record("tick")
        timer.cancel()
        timer.cancel()
      }
      calls.expect(["tick"])
    }
  }

  @Test func `a one-shot timer that schedules itself again stays open for it`() throws {
    try LoopHarness.run { loop, calls in
      LoopTimer.after(.milliseconds(1), on: loop) { timer in
        calls.record("fired")
        if calls.names.count < 3 { timer.schedule(after: .milliseconds(1)) }
      }
      calls.expect(["fired", "fired", "fired"])
    }
  }

  @Test func `a repeating timer that is unscheduled in its callback waits`() throws {
    try LoopHarness.run { loop, calls in
      LoopTimer.every(.milliseconds(1), on: loop) { timer in
        calls.record("tick")
        timer.unschedule()
        #expect(!timer.isScheduled)
        LoopTimer.after(.milliseconds(10), on: loop) { _ in timer.cancel() }
      }
      calls.expect(["tick"])
    }
  }

  @Test func `a cancelled timer never fires and drops its closure`() throws {
    final class Witness {}
    weak var weakWitness: Witness?
    try LoopHarness.run { loop, _ in
      let witness = Witness()
      weakWitness = witness
      let timer = LoopTimer.after(.milliseconds(1), on: loop) { _ in
        Issue.record("cancelled: \(witness)")
      }
      timer.cancel()
      #expect(timer.isClosing)
      timer.schedule(after: .zero)
      LoopTimer.after(.milliseconds(5), on: loop) { _ in }
    }
    #expect(weakWitness == nil)
  }

  @Test func `the longest delays are taken and never fire`() throws {
    try LoopHarness.run { loop, _ in
      let timers = [Duration.seconds(4_294_967_295), .seconds(Int64.max), .zero - .seconds(1)].map {
        delay in LoopTimer.after(delay, on: loop) { _ in #expect(delay < .zero) }
      }
      LoopTimer.after(.milliseconds(5), on: loop) { _ in timers.forEach { $0.cancel() } }
    }
  }

  @Test func `dropping the last reference does not cancel`() throws {
    try LoopHarness.run { loop, calls in
      do { LoopTimer.after(.milliseconds(1), on: loop) { _ in calls.record("fired") } }
      calls.expect(["fired"])
    }
  }
}

@Suite(.serialized) struct SignalSourceTests {
  @Test func `a signal is told on the loop, once for each delivery`() throws {
    try LoopHarness.run { loop, calls in
      let source = try SignalSource.on(SIGUSR2, on: loop) { source in
        calls.record("signal \(source.signal == SIGUSR2)")
        if calls.names.count == 2 { source.close() } else { kill(getpid(), SIGUSR2) }
      }
      source.keepsLoopAlive = true
      kill(getpid(), SIGUSR2)
      calls.expect(["signal true", "signal true"])
    }
  }

  @Test func `a signal that was blocked when the process started is told all the same`() async {
    await #expect(processExitsWith: .success) {
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_BLOCK, &all, nil)
      try LoopHarness.run { loop, calls in
        let source = try SignalSource.on(SIGTERM, on: loop) { source in
          calls.record("signal")
          source.close()
        }
        source.keepsLoopAlive = true
        var blocked = sigset_t()
        pthread_sigmask(SIG_SETMASK, nil, &blocked)
        #expect(sigismember(&blocked, SIGTERM) == 0)
        #expect(sigismember(&blocked, SIGUSR1) == 1, "it is let through alone")
        pthread_kill(pthread_self(), SIGTERM)
        calls.expect(["signal"])
      }
    }
  }

  @Test func `a signal has a name`() {
    #expect("\(Signal(rawValue: SIGTERM))" == "SIGTERM")
    #expect(Signal(rawValue: SIGURG).description == "signal \(SIGURG)")
  }

  @Test func `whether a signal is ignored can be asked`() async {
    await #expect(processExitsWith: .success) {
      #expect(!SignalSource.isIgnored(SIGQUIT))
      signal(SIGQUIT, SIG_IGN)
      #expect(SignalSource.isIgnored(SIGQUIT))
      #expect(!SignalSource.isIgnored(9999))
    }
  }

  @Test func `a signal source does not keep the loop alive`() throws {
    let loop = try EventLoop()
    let source = try SignalSource.on(SIGUSR2, on: loop) { _ in }
    loop.run()
    source.close()
    loop.run()
    try loop.close()
  }

  @Test func `a signal that cannot be watched is an error, and nothing is left open`() throws {
    try LoopHarness.run { loop, _ in
      let error = #expect(throws: UVError.self) { try SignalSource.on(SIGKILL, on: loop) { _ in } }
      #expect(error?.code == .invalidArgument)
    }
  }
}
