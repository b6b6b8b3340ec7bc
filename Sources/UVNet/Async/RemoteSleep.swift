internal import Synchronization

/// A sleep of a task that may be on any thread; the loop times it and resumes the task.
@safe final class RemoteSleep: Sendable {
  private typealias Continuation = UnsafeContinuation<WaitOutcome, Never>

  private let instant: EventLoop.Instant
  private let executor: LoopExecutor
  private let wait = Mutex(Wait<Resumption>())
  /// For the loop's thread only.
  nonisolated(unsafe) private var alarm: Alarm?

  /// What resumes the task; the ``Wait`` hands it out once.
  @safe private struct Resumption: Sendable {
    let continuation: Continuation
    func resume(_ outcome: WaitOutcome) { unsafe continuation.resume(returning: outcome) }
  }

  init(at instant: EventLoop.Instant, _ executor: LoopExecutor) {
    self.instant = instant
    self.executor = executor
    wait.withLock { _ = $0.begin() }
  }

  /// Waits for the instant; a sleep that was cancelled before is over at once.
  func begin(_ continuation: UnsafeContinuation<WaitOutcome, Never>) {
    let resumption = unsafe Resumption(continuation: continuation)
    if let canceled = wait.withLock({ $0.park(resumption) }) { return canceled.resume(.canceled) }
    let isTaken = executor.perform { loop in
      guard let tasks = loop?.tasks, !tasks.isEnding, self.wait.withLock({ $0.isParked }) else {
        self.finish(.canceled)
        return
      }
      let alarm = Alarm(for: self, at: self.instant)
      unsafe self.alarm = alarm
      tasks.schedule(alarm)
    }
    if !isTaken { finish(.canceled) }
  }

  func cancel() {
    guard finish(.canceled) else { return }
    executor.perform { loop in
      if let alarm = unsafe self.alarm { loop?.tasks?.unschedule(alarm) }
      unsafe self.alarm = nil
    }
  }

  @discardableResult
  private func finish(_ outcome: WaitOutcome) -> Bool {
    let resumption = wait.withLock { outcome == .woken ? $0.wake() : $0.cancel() }
    resumption?.resume(outcome)
    return resumption != nil
  }

  /// The loop's side.
  private final class Alarm: Deadline {
    private let sleep: RemoteSleep

    init(for sleep: RemoteSleep, at instant: EventLoop.Instant) {
      self.sleep = sleep
      super.init(at: instant)
    }

    override func fire() {
      unsafe sleep.alarm = nil
      sleep.finish(.woken)
    }

    override func cancel() {
      unsafe sleep.alarm = nil
      sleep.finish(.canceled)
    }
  }
}
