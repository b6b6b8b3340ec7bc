@available(macOS 26, *)
extension EventLoop {
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
    let tasks = try startTasks()
    let timeout = Timeout<R>(at: now.advanced(by: duration))
    await withDiscardingTaskGroup { group in
      // The task runs up to its first suspension here; if it has ended by then, no timer is needed.
      group.addImmediateTask { @LoopActor in await timeout.run(body, tasks) }
      if timeout.result == nil { tasks.schedule(timeout) }
    }
    switch timeout.result {
    case .success(let value): return value
    case .failure where timeout.isOver: throw UVError(.timedOut, during: .wait)
    case .failure(let error): throw error
    case nil: throw UVError(.canceled, during: .wait)
    }
  }
}

/// Cancels a task when its time is over.
@safe private final class Timeout<R>: Deadline {
  private(set) var result: Result<R, any Error>?
  private(set) var isOver = false
  /// The task while it runs, and so while it lives.
  private var task: UnsafeCurrentTask?

  @LoopActor
  func run(_ body: @LoopActor () async throws -> R, _ tasks: LoopTasks) async {
    unsafe task = withUnsafeCurrentTask { unsafe $0 }
    do {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    unsafe task = nil
    tasks.unschedule(self)
  }

  override func fire() {
    isOver = true
    unsafe task?.cancel()
  }

  override func cancel() { unsafe task?.cancel() }
}
