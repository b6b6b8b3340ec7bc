@available(macOS 26, *)
extension EventLoop {
  /// Starts a task of the loop's thread, which is nobody's child.
  ///
  /// It runs at once, inside this call, up to its first wait. `Task { }` would start it by way of a
  /// thread of Swift's runtime.
  ///
  /// - Parameter operation: What the task does. An error that nobody asks for is lost.
  /// - Returns: The task.
  @LoopActor @discardableResult
  public func task<R: Sendable>(
    _ operation: @escaping @LoopActor () async throws -> R
  ) -> Task<R, any Error> {
    Task.immediate(executorPreference: LoopExecutor.main) { @LoopActor in try await operation() }
  }

  /// Starts a task that throws nothing; see ``task(_:)-(()->R)``.
  ///
  /// - Parameter operation: What the task does.
  /// - Returns: The task.
  @LoopActor @discardableResult
  public func task<R: Sendable>(
    _ operation: @escaping @LoopActor () async -> R
  ) -> Task<R, Never> {
    Task.immediate(executorPreference: LoopExecutor.main) { @LoopActor in await operation() }
  }

  /// Runs `body` as a task that is cancelled when `duration` is over.
  ///
  /// - Parameters:
  ///   - duration: How long `body` may take before it is cancelled.
  ///   - body: What may take too long. It ends when it has seen the cancellation.
  /// - Returns: What `body` returns, even if that was too late.
  /// - Throws: ``UVError/Code/timedOut`` when the time was over and `body` threw; otherwise what
  ///   `body` throws.
  @LoopActor
  public func withTimeout<R>(
    _ duration: Duration, _ body: @escaping @LoopActor () async throws -> R
  ) async throws -> R {
    let outcome = TimedOutcome<R>()
    let task = Task.immediate(executorPreference: LoopExecutor.main) { @LoopActor in
      do {
        outcome.result = .success(try await body())
      } catch {
        outcome.result = .failure(error)
      }
    }
    let timeout = Timeout(task, at: now.advanced(by: duration))
    if outcome.result == nil {
      let tasks = try startTasks()
      tasks.schedule(timeout)
      await withTaskCancellationHandler {
        await task.value
      } onCancel: {
        task.cancel()
      }
      tasks.unschedule(timeout)
    }
    switch outcome.result {
    case .success(let value): return value
    case .failure where timeout.isOver: throw UVError(.timedOut, during: .wait)
    case .failure(let error): throw error
    case nil: throw UVError(.canceled, during: .wait)
    }
  }
}

/// What became of a task with a timeout.
@LoopActor private final class TimedOutcome<R> {
  var result: Result<R, any Error>?
}

/// Cancels a task when its time is over.
private final class Timeout: Deadline {
  private let task: Task<Void, Never>
  private(set) var isOver = false

  init(_ task: Task<Void, Never>, at instant: EventLoop.Instant) {
    self.task = task
    super.init(at: instant)
  }

  override func fire() {
    isOver = true
    task.cancel()
  }

  override func cancel() { task.cancel() }
}
