/// The result of a callback, for the task that waits for it.
final class Answer<Value> {
  let wait = LoopWait()
  private(set) var result: Result<Value, UVError>?

  /// Takes the callback's result, once.
  func give(_ result: Result<Value, UVError>) {
    self.result = result
    wait.wake()
  }
}

extension LoopTasks {
  /// Suspends the task until the operation that `begin` starts calls back; cancelling the task
  /// cancels the operation.
  ///
  /// - Parameters:
  ///   - operation: The operation that a cancellation's error names.
  ///   - isolation: The caller's, given by the compiler.
  ///   - discard: Called with a value that came although the task was cancelled.
  ///   - begin: Starts the operation, and returns a closure that cancels it. It gets the callback,
  ///     to be called once, on a later turn.
  /// - Returns: What the callback was given.
  /// - Throws: What the callback was given; ``UVError/Code/canceled`` when the task is cancelled, or the
  ///   loop ends.
  func answer<Value>(
    during operation: UVError.Operation, isolation: isolated (any Actor)? = #isolation,
    discard: (Value) -> Void = { _ in },
    _ begin: (@escaping (Result<Value, UVError>) -> Void) -> () -> Void
  ) async throws(UVError) -> Value {
    guard !isEnding else { throw UVError(.canceled, during: operation) }
    let answer = Answer<Value>()
    let cancel = begin { answer.give($0) }
    if await answer.wait.suspend(executor, isolation: isolation) == .canceled {
      cancel()
      if case .success(let value) = answer.result { discard(value) }
      throw UVError(.canceled, during: operation)
    }
    guard let result = answer.result else { throw UVError(.canceled, during: operation) }
    return try result.get()
  }
}

extension EventLoop {
  /// The same as ``LoopTasks``'s function, for other modules of this package.
  ///
  /// - Parameters:
  ///   - operation: The operation that a cancellation's error names.
  ///   - begin: Starts the operation, and returns a closure that cancels it. It gets the callback,
  ///     to be called once, on a later turn.
  /// - Returns: What the callback was given.
  /// - Throws: What the callback was given; ``UVError/Code/canceled`` when the task is cancelled, or the
  ///   loop ends.
  package nonisolated(nonsending) func answer<Value>(
    during operation: UVError.Operation,
    _ begin: (@escaping (Result<Value, UVError>) -> Void) -> () -> Void
  ) async throws(UVError) -> Value {
    try await startTasks().answer(during: operation, begin)
  }
}
