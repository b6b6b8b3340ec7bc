/// A place on the loop's thread where a task waits, until it is woken or cancelled.
///
/// Everything but the way in for a cancellation is for the loop's thread.
class LoopWait {
  private var wait = Wait<Resumption>()

  /// What resumes a task; the ``Wait`` gives it away once.
  @safe private struct Resumption {
    let continuation: UnsafeContinuation<Void, Never>
    func resume() { unsafe continuation.resume() }
  }

  /// Whether a task is here that can be woken.
  final var isParked: Bool { wait.isParked }

  /// Whether a task is here.
  final var isBusy: Bool { wait.isBusy }

  /// Suspends the task until ``wake()`` or its cancellation.
  ///
  /// The isolation is a parameter, and the operation mentions it: otherwise the operation would run
  /// elsewhere, and a cancellation on the way there would come before there is anything to resume.
  final func suspend(
    _ executor: LoopExecutor, isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    let number = wait.begin()
    nonisolated(unsafe) let this = self
    await withTaskCancellationHandler {
      _ = isolation
      await unsafe withUnsafeContinuation { continuation in
        unsafe this.wait.park(Resumption(continuation: continuation))?.resume()
      }
    } onCancel: {
      executor.perform { _ in unsafe this.cancel(number) }
    }
    return wait.end()
  }

  /// Suspends the task without a cancellation handler of its own: somebody else has one, and calls
  /// ``cancel()``.
  final func suspendCovered(
    isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    _ = wait.begin()
    await unsafe withUnsafeContinuation { continuation in
      unsafe wait.park(Resumption(continuation: continuation))?.resume()
    }
    return wait.end()
  }

  /// Resumes the task, if one waits.
  final func wake() { wait.wake()?.resume() }

  /// Resumes the task, if one waits, as cancelled.
  final func cancel() { wait.cancel()?.resume() }

  private final func cancel(_ number: UInt64) { wait.cancel(number)?.resume() }
}
