/// A place on the loop's thread where a task waits, until it is woken or cancelled.
///
/// Used on the loop's thread only, except that a cancellation may come from any thread.
class LoopWait {
  /// Used only while no code of the program runs, so that accesses cannot overlap.
  @exclusivity(unchecked) private final var wait = Wait<ParkedTask>()

  /// Whether a task is here that can be woken.
  final var isParked: Bool { unsafe wait.isParked }

  /// Whether a task is here.
  final var isBusy: Bool { unsafe wait.isBusy }

  /// Suspends the task until ``wake()`` or its cancellation.
  ///
  /// The isolation is a parameter, and the operation mentions it. Otherwise the operation would
  /// switch to another executor, and a cancellation could come before there is a task to resume.
  final func suspend(
    _ executor: LoopExecutor, isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    let number = unsafe wait.begin()
    nonisolated(unsafe) let this = self
    let parking = executor.parking
    await withTaskCancellationHandler {
      _ = isolation
      unsafe parking.enter(this)
      await parking.leave()
    } onCancel: {
      executor.perform { _ in unsafe this.cancel(number) }
    }
    return unsafe wait.end()
  }

  /// Suspends the task without a cancellation handler of its own: the caller has one, which calls
  /// ``cancel()``.
  final func suspendCovered(
    _ executor: LoopExecutor, isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    let parking = executor.parking
    begin(in: parking)
    await parking.leave()
    return withExtendedLifetime(executor) { end() }
  }

  // The steps of suspendCovered, for a task that waits without another async function in between:
  // each costs memory for as long as the task waits, and a check of its executor when it continues.

  /// A task is going to wait here, whose caller has the cancellation handler: it calls
  /// ``Parking/leave()`` next.
  @inline(__always)
  final func begin(in parking: Parking) {
    _ = unsafe wait.begin()
    parking.enter(self)
  }

  /// The task waits.
  @inline(__always)
  final func park(_ task: ParkedTask) { unsafe wait.park(task)?.resume() }

  /// The task continues.
  @inline(__always)
  final func end() -> WaitOutcome { unsafe wait.end() }

  /// Resumes the task, if one waits.
  final func wake() { takeWoken()?.resume() }

  /// The task that waits, for the caller to resume; `nil` if none does.
  @inline(__always)
  final func takeWoken() -> ParkedTask? { unsafe wait.wake() }

  /// Resumes the task, if one waits, as cancelled.
  final func cancel() { unsafe wait.cancel()?.resume() }

  private final func cancel(_ number: UInt64) { unsafe wait.cancel(number)?.resume() }
}
