/// A place on the loop's thread where a task waits, until it is woken or cancelled.
///
/// Everything but the way in for a cancellation is for the loop's thread.
class LoopWait {
  /// Only ever touched for a moment in which nothing of the program's runs.
  @exclusivity(unchecked) private final var wait = Wait<Resumption>()

  /// What resumes a task; the ``Wait`` gives it away once.
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
  /// The isolation is a parameter, and the operation mentions it: otherwise the operation would run
  /// elsewhere, and a cancellation on the way there would come before there is anything to resume.
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

  /// Suspends the task without a cancellation handler of its own: somebody else has one, and calls
  /// ``cancel()``.
  final func suspendCovered(
    isolation: isolated (any Actor)? = #isolation
  ) async -> WaitOutcome {
    begin()
    await unsafe withUnsafeContinuation { unsafe park($0) }
    return end()
  }

  // The parts of it, for a task that waits without another function in between: each such function
  // costs memory for as long as the task waits, and a look at its executor when it goes on.

  /// A task is going to wait here, and somebody else has its cancellation handler.
  @inline(__always)
  final func begin() { _ = unsafe wait.begin() }

  /// The task waits.
  @inline(__always)
  final func park(_ continuation: UnsafeContinuation<Void, Never>) {
    unsafe wait.park(Resumption(continuation: continuation))?.resume()
  }

  /// The task goes on.
  @inline(__always)
  final func end() -> WaitOutcome { unsafe wait.end() }

  /// Resumes the task, if one waits.
  final func wake() { unsafe wait.wake()?.resume() }

  /// Resumes the task, if one waits, as cancelled.
  final func cancel() { unsafe wait.cancel()?.resume() }

  private final func cancel(_ number: UInt64) { unsafe wait.cancel(number)?.resume() }
}
