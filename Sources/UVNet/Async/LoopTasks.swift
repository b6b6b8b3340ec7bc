/// What the tasks of a loop wait for, apart from connections: deadlines, signals, clients to
/// accept.
///
/// Used on the loop's thread only.
final class LoopTasks {
  let executor: LoopExecutor
  /// The loop owns this.
  private unowned let loop: EventLoop
  private var waits: [ObjectIdentifier: LoopWait] = [:]
  private var deadlines = DeadlineQueue()
  private var timer: LoopTimer?
  /// Serves every connection that tasks read.
  let handlers: StreamConnection.Handlers

  /// Whether the loop is ending: no new wait begins.
  var isEnding: Bool { loop.isEnding }

  init(_ executor: LoopExecutor, on loop: EventLoop) {
    self.executor = executor
    self.loop = loop
    handlers = ConnectionTasks.makeHandlers()
  }

  /// Suspends the task until `wait` is woken; cancelled as well when everything is closed.
  func suspend(
    _ wait: LoopWait, isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    guard !isEnding else { return .canceled }
    let key = ObjectIdentifier(wait)
    waits[key] = wait
    let outcome = await wait.suspend(executor, isolation: isolation)
    waits[key] = nil
    return outcome
  }

  /// Cancels all waits, because everything on the loop is being closed.
  func cancelWaits() {
    for wait in waits.values { wait.cancel() }
    while let next = deadlines.next {
      deadlines.remove(next)
      next.cancel()
    }
  }

  /// Has `deadline` fire in time, never early.
  func schedule(_ deadline: Deadline) {
    deadlines.insert(deadline)
    scheduleTimer()
  }

  /// Forgets `deadline`, which may have fired.
  func unschedule(_ deadline: Deadline) { deadlines.remove(deadline) }

  private func scheduleTimer() {
    guard let next = deadlines.next?.instant, !isEnding else { return }
    if timer?.isClosing ?? true {
      timer = LoopTimer.unscheduled(on: loop) { [unowned self] _ in fireDeadlines() }
    }
    // A timer that is due too early finds no deadline due, and is scheduled again.
    guard let timer, !timer.isScheduled || timer.instant > next else { return }
    timer.schedule(at: next)
  }

  private func fireDeadlines() {
    let now = loop.now
    while let next = deadlines.next, next.instant <= now {
      deadlines.remove(next)
      next.fire()
    }
    scheduleTimer()
  }
}

extension LoopTimer {
  fileprivate var instant: EventLoop.Instant { EventLoop.Instant(nanoseconds: deadline) }
}
