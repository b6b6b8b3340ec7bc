extension EventLoop {
  /// Starts a task of the loop's thread, which is nobody's child.
  ///
  /// It begins in the same turn of the loop, when the code that started it waits or is over.
  /// `Task { }` would begin by way of a thread of Swift's runtime.
  ///
  /// - Parameter operation: What the task does. An error that nobody asks for is lost.
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
