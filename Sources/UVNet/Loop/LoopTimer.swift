internal import CLibUV

/// A timer: one-shot, repeating, or scheduled explicitly.
///
/// It never fires early.
///
/// libuv counts in whole milliseconds from a cached time, and its own timers fire up to 1 ms
/// early. This one keeps its deadline in nanoseconds, rounds up what it asks of libuv, and asks
/// for long waits in stages, since the kernel may lengthen a wait by a thousandth. On a loop that is
/// not busy it is late by two milliseconds at most.
///
/// On Linux a timer made with `isPrecise` is late only by the time that waking up takes. It costs a
/// descriptor, and a system call each time it is scheduled and each time it fires.
///
/// A timer that is late by ten milliseconds or more, because the process or the loop stood still,
/// is called after the loop has polled for I/O, so that callbacks for what came meanwhile run
/// first. Timers due after it wait with it, so that they keep their order.
///
/// A timer that is scheduled in the callback of a timer waits at least until the loop has polled,
/// however short its delay: I/O always gets its turn.
public final class LoopTimer: Handle {
  private enum Mode { case oneShot, repeating(UInt64), manual }

  private let mode: Mode
  private var body: ((LoopTimer) -> Void)?
  private var alarm: Alarm?
  private(set) var deadline: UInt64 = 0

  /// From when on the timer could have been called: its deadline, or the time of arming if that was
  /// later.
  ///
  /// A timer that is scheduled for the past does not mean that the loop has stood still.
  private var dueSince: UInt64 = 0

  /// Its place among the loop's late timers, while it waits there; else `notLate`.
  private var latePlace = notLate
  private static let notLate = -1

  // Behind a computed property, for the reason that StreamConnection gives.
  private var scheduled = false
  /// Whether the timer is going to fire.
  public var isScheduled: Bool { scheduled }

  /// Waits longer than this many milliseconds are asked for in stages.
  private static let stagedWait: UInt64 = 64

  private init(_ mode: Mode, on loop: EventLoop, body: @escaping (LoopTimer) -> Void) {
    self.mode = mode
    self.body = body
    guard !loop.isEnding else {
      super.init(closedOn: loop, UV_TIMER)
      return
    }
    do throws(UVError) {
      try unsafe super.init(UV_TIMER, on: loop) { loop, raw in
        unsafe uv_timer_init(loop, cuv_timer(raw))
      }
    } catch {
      // uv_timer_init only fills memory and always returns 0.
      preconditionFailure("uv_timer_init: \(error)")
    }
  }

  /// Calls `body` once, `delay` from now, and then closes the timer.
  ///
  /// If `body` schedules the timer again, it stays open for that.
  ///
  /// - Parameters:
  ///   - delay: The time to wait; a negative one counts as zero.
  ///   - loop: The loop to wait on.
  ///   - body: Called with the timer, never before the delay is over.
  /// - Returns: The timer, to ``cancel()`` it.
  @discardableResult
  public static func after(
    _ delay: Duration, on loop: EventLoop, _ body: @escaping (LoopTimer) -> Void
  ) -> LoopTimer {
    let timer = LoopTimer(.oneShot, on: loop, body: body)
    timer.schedule(after: delay)
    return timer
  }

  /// Calls `body` every `interval`, for the first time one interval from now, without drift.
  ///
  /// Ticks that a busy loop has missed become one, at once; the next keeps to the grid.
  ///
  /// - Parameters:
  ///   - interval: The time between ticks; one below a millisecond counts as a millisecond.
  ///   - loop: The loop to wait on.
  ///   - body: Called with the timer at each tick.
  /// - Returns: The timer, to ``cancel()`` it.
  @discardableResult
  public static func every(
    _ interval: Duration, on loop: EventLoop, _ body: @escaping (LoopTimer) -> Void
  ) -> LoopTimer {
    let interval = max(interval, .milliseconds(1))
    let nanoseconds = EventLoop.Instant(nanoseconds: 0).advanced(by: interval).nanoseconds
    let timer = LoopTimer(.repeating(nanoseconds), on: loop, body: body)
    timer.schedule(after: interval)
    return timer
  }

  /// A timer that fires when ``schedule(at:)`` says, and stays open until it is cancelled.
  ///
  /// - Parameters:
  ///   - loop: The loop to wait on.
  ///   - isPrecise: Whether to be late by less than a millisecond, where the system can. For such a
  ///     timer the value of ``Handle/keepsLoopAlive`` at the time of scheduling counts.
  ///   - body: Called with the timer each time it fires.
  /// - Returns: A timer that is not scheduled.
  public static func unscheduled(
    on loop: EventLoop, isPrecise: Bool = false, _ body: @escaping (LoopTimer) -> Void
  ) -> LoopTimer {
    let timer = LoopTimer(.manual, on: loop, body: body)
    if isPrecise { timer.alarm = Alarm.make(on: loop) { [weak timer] in timer?.fire() } }
    return timer
  }

  /// Sets the time to fire, in place of any earlier one.
  public func schedule(at instant: EventLoop.Instant) {
    guard !isClosing else { return }
    loop.checkThread()
    forgetPostponement()
    deadline = instant.nanoseconds
    scheduled = true
    arm()
  }

  /// Sets the time to fire, in place of any earlier one, to `delay` from now.
  public func schedule(after delay: Duration) {
    schedule(at: loop.now.advanced(by: delay))
  }

  /// Makes the timer wait for the next ``schedule(at:)``.
  public func unschedule() {
    guard !isClosing else { return }
    scheduled = false
    forgetPostponement()
    alarm?.unset()
    unsafe uv_timer_stop(cuv_timer(raw))
  }

  /// Closes the timer: it does not fire again.
  public func cancel() { close() }

  private func arm() {
    let present = unsafe uv_now(loop.raw)
    dueSince = max(deadline, present &* 1_000_000)
    if let alarm, alarm.set(deadline, keepsLoopAlive: keepsLoopAlive) { return }
    // libuv's loop time is the clock rounded down, so a timer that waits for the deadline rounded
    // up, in the same milliseconds, cannot fire before it.
    let (quotient, remainder) = deadline.quotientAndRemainder(dividingBy: 1_000_000)
    let due = quotient + (remainder > 0 ? 1 : 0)
    var wait = due > present ? due - present : 0
    if wait > Self.stagedWait { wait -= wait / 512 + 2 }
    if wait == 0, loop.isInTimerCallback { wait = 1 }
    unsafe uv_timer_start(
      cuv_timer(raw),
      { timer in
        guard let timer = unsafe timer else { return }
        unsafe Handle.of(
          UnsafeMutableRawPointer(timer).assumingMemoryBound(to: uv_handle_t.self),
          as: LoopTimer.self
        ).fire()
      }, wait, 0)
  }

  private func fire() {
    guard scheduled, latePlace == Self.notLate else { return }
    let present = uv_hrtime()
    guard present >= deadline else { return arm() }
    if let place = loop.postpone(self, late: present - min(present, dueSince)) {
      latePlace = place
    } else {
      fire(at: present)
    }
  }

  /// Calls a timer that was postponed.
  func fireAfterPoll() {
    latePlace = Self.notLate
    fire(at: uv_hrtime())
  }

  private func forgetPostponement() {
    guard latePlace != Self.notLate else { return }
    unsafe loop.lateTimers.remove(at: latePlace)
    latePlace = Self.notLate
  }

  private func fire(at present: UInt64) {
    scheduled = false
    if case .repeating(let interval) = mode {
      let missed = (present - deadline) / interval
      deadline += (missed + 1) * interval
      scheduled = true
      arm()
    }
    loop.dispatchTimer { body?(self) }
    if case .oneShot = mode, !scheduled { close() }
  }

  override func willClose() {
    scheduled = false
    forgetPostponement()
    alarm?.close()
    alarm = nil
  }

  override func didClose() { body = nil }
}
