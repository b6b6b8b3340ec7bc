internal import UVNet

extension Operation {
  static let timers = [armAndStop, fire, fireOnce]

  /// One timer, of which libuv knows a hundred beside.
  private static let armAndStop = Operation(name: "timer/arm, stop") {
    let loop = makeLoop()
    let far = loop.now.advanced(by: .seconds(3_600))
    for index in 0..<100 {
      LoopTimer.unscheduled(on: loop) { _ in }
        .schedule(at: far.advanced(by: .seconds(index)))
    }
    let timer = LoopTimer.unscheduled(on: loop) { _ in }
    return { count in
      for _ in 0..<count {
        timer.schedule(at: far)
        timer.unschedule()
      }
      return loop.openHandles.count
    }
  }

  /// A hundred timers, each armed and fired by a real loop; the loop's turn is shared by them.
  private static let fire = Operation(name: "timer/arm, fire (of 100 in a turn)") {
    let loop = makeLoop()
    let fired = Counter()
    let timers = (0..<100).map { _ in LoopTimer.unscheduled(on: loop) { _ in fired.value += 1 } }
    return { count in
      for index in 0..<count {
        timers[index % timers.count].schedule(at: past)
        if (index + 1) % timers.count == 0 || index + 1 == count { loop.run() }
      }
      return fired.value
    }
  }

  /// The same with timers that are made for it, and closed by it.
  private static let fireOnce = Operation(name: "timer/make, arm, fire, close (of 100 in a turn)") {
    let loop = makeLoop()
    let fired = Counter()
    return { count in
      for index in 0..<count {
        LoopTimer.unscheduled(on: loop) { timer in
          fired.value += 1
          timer.cancel()
        }.schedule(at: past)
        if (index + 1) % 100 == 0 || index + 1 == count { loop.run() }
      }
      return fired.value
    }
  }

  /// Due at once whatever the clock says, so that the number of the loop's turns is always the same.
  private static let past = EventLoop.Instant(nanoseconds: 0)

  private static func makeLoop() -> EventLoop {
    do throws(UVError) {
      return try EventLoop()
    } catch {
      preconditionFailure("\(error)")
    }
  }

  private final class Counter {
    var value = 0
  }
}
