internal import CLibUV

extension EventLoop {
  /// Suspends the task for `duration`, never less.
  ///
  /// `Task.sleep` would use a thread of Swift's runtime.
  ///
  /// - Parameter duration: How long; a negative one counts as zero.
  /// - Throws: ``UVError/Code/canceled`` when the task is cancelled or the loop ends.
  public nonisolated(nonsending) func sleep(for duration: Duration) async throws(UVError) {
    try await sleep(until: now.advanced(by: duration))
  }

  /// Suspends the task until `instant`, never less.
  ///
  /// - Parameter instant: A time on the clock of ``now``.
  /// - Throws: As ``sleep(for:)`` does.
  public nonisolated(nonsending) func sleep(until instant: Instant) async throws(UVError) {
    try await startTasks().sleep(until: instant)
  }

  /// The loop's clock for code that is written for any `Clock`: its sleep stays on the thread.
  ///
  /// - Throws: The system's error when the loop gets no descriptor for it.
  public var clock: Clock {
    get throws(UVError) { Clock(executor: try startTasks().executor) }
  }

  /// A clock whose sleep is the loop's; see ``EventLoop/clock``.
  ///
  /// It may be handed to other threads: a sleep there waits for the loop.
  public struct Clock: _Concurrency.Clock {
    let executor: LoopExecutor

    /// The time now, as ``EventLoop/now``.
    public var now: Instant { Instant(nanoseconds: uv_hrtime()) }

    /// The clock counts in nanoseconds.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Suspends the task until `deadline`, never less.
    ///
    /// - Parameters:
    ///   - deadline: When to continue.
    ///   - tolerance: Not used: a sleep is late by two milliseconds on a loop that is not busy.
    /// - Throws: ``UVError/Code/canceled`` when the task is cancelled, or when the loop ends or has
    ///   ended.
    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
      let sleep = RemoteSleep(at: deadline, executor)
      let outcome = await withTaskCancellationHandler {
        await unsafe withUnsafeContinuation { continuation in
          unsafe sleep.begin(continuation)
        }
      } onCancel: {
        sleep.cancel()
      }
      guard outcome == .woken else { throw UVError(.canceled, during: .wait) }
    }
  }
}

extension LoopTasks {
  /// Suspends the task until an instant.
  fileprivate func sleep(
    until instant: EventLoop.Instant, isolation: isolated (any Actor)? = #isolation
  ) async throws(UVError) {
    let sleep = Sleep(at: instant)
    schedule(sleep)
    let outcome =
      isEnding ? .canceled : await sleep.wait.suspend(executor, isolation: isolation)
    unschedule(sleep)
    guard outcome == .woken else { throw UVError(.canceled, during: .wait) }
  }
}

/// A sleep of a task that is on the loop's thread.
private final class Sleep: Deadline {
  let wait = LoopWait()
  override func fire() { wait.wake() }
  override func cancel() { wait.cancel() }
}
