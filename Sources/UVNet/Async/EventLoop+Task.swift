extension EventLoop {
  /// Starts an unstructured task on the loop's thread.
  ///
  /// It begins in the same turn of the loop, when the code that started it suspends or returns.
  /// `Task { }` would first go to a thread of Swift's runtime.
  ///
  /// - Parameter operation: What the task does. An error is lost unless the task's value is
  ///   awaited.
  /// - Returns: The task.
  @LoopActor @discardableResult
  public func task<R: Sendable>(
    _ operation: @escaping @LoopActor () async throws -> R
  ) -> Task<R, any Error> {
    Task(executorPreference: LoopExecutor.main) { try await operation() }
  }

  /// Starts a task that throws nothing; see ``task(_:)->Task<R,Error>``.
  ///
  /// - Parameter operation: What the task does.
  /// - Returns: The task.
  @LoopActor @discardableResult
  public func task<R: Sendable>(
    _ operation: @escaping @LoopActor () async -> R
  ) -> Task<R, Never> {
    Task(executorPreference: LoopExecutor.main) { await operation() }
  }
}
