/// A place on the loop's thread where a task waits, until it is woken or cancelled.
///
/// Used on the loop's thread only, except that a cancellation may come from any thread.
class LoopWait {
  /// Used only while no code of the program runs, so that accesses cannot overlap.
  @exclusivity(unchecked) private final var wait = Wait<Resumption>()

  /// What resumes a task; the ``Wait`` hands it out once.
  @safe private struct Resumption {
    let continuation: UnsafeContinuation<Void, Never>
    func resume() { unsafe continuation.resume() }
  }

  /// Whether a task is here that can be woken.
  final var isParked: Bool { unsafe wait.isParked }

  /// Whether a task is here.
  final var isBusy: Bool { unsafe wait.isBusy }

  /// Suspends the task until ``wake()`` or its cancellation.
  ///
  /// The isolation is a parameter, and the operation mentions it. Otherwise the operation would
  /// switch to another executor, and a cancellation could come before there is a continuation to
  /// resume.
  final func suspend(
    _ executor: LoopExecutor, isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    let number = unsafe wait.begin()
    nonisolated(unsafe) let this = self
    await withTaskCancellationHandler {
      _ = isolation
      await unsafe withUnsafeContinuation { continuation in
        unsafe this.wait.park(Resumption(continuation: continuation))?.resume()
      }
    } onCancel: {
      executor.perform { _ in unsafe this.cancel(number) }
    }
    return unsafe wait.end()
  }

  /// Suspends the task without a cancellation handler of its own: the caller has one, which calls
  /// ``cancel()``.
  final func suspendCovered(
    isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    begin()
    await unsafe withUnsafeContinuation { unsafe park($0) }
    return end()
  }

  // The steps of suspendCovered, for a task that waits without another async function in between:
  // each costs memory for as long as the task waits, and a check of its executor when it continues.

  /// A task is going to wait here, whose caller has the cancellation handler.
  @inline(__always)
  final func begin() { _ = unsafe wait.begin() }

  /// The task waits.
  @inline(__always)
  final func park(_ continuation: UnsafeContinuation<Void, Never>) {
    unsafe wait.park(Resumption(continuation: continuation))?.resume()
  }

  /// The task continues.
  @inline(__always)
  final func end() -> WaitOutcome { unsafe wait.end() }

  /// Resumes the task, if one waits.
  final func wake() { unsafe wait.wake()?.resume() }

  /// Resumes the task, if one waits, as cancelled.
  final func cancel() { unsafe wait.cancel()?.resume() }

  private final func cancel(_ number: UInt64) { unsafe wait.cancel(number)?.resume() }
}
