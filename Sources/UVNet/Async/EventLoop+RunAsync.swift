extension EventLoop {
  /// Makes a loop, runs an async program on it, and ends both.
  ///
  /// `body` and all that it starts run on the calling thread. When `body` returns or throws,
  /// everything on the loop is closed: tasks that still wait for something of it are given
  /// ``UVError/Code/canceled``, then the loop is freed. The loop stays alive while `body` waits,
  /// whatever it waits for. If a callback calls ``stop(file:line:)``, the task of `body` is
  /// cancelled, and everything ends in the same way.
  ///
  /// ```swift
  /// let address = try EventLoop.run { loop in
  ///   try await Resolver.resolve("localhost", port: 7007, on: loop)[0]
  /// }
  /// ```
  ///
  /// - Parameter body: The program.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; the system's error when no loop can be made;
  ///   ``UVError/Code/busy`` while another thread of the process runs a loop in this way.
  public static func run<R>(
    _ body: @escaping @LoopActor (EventLoop) async throws -> R
  ) throws -> R {
    let loop = try EventLoop()
    do throws(UVError) {
      try LoopExecutor.main.bind(to: loop)
      loop.tasks = LoopTasks(LoopExecutor.main, on: loop)
    } catch {
      try loop.close()
      throw error
    }
    let outcome = Outcome<R>()
    loop.run(body, outcome)
    loop.endWithTasks()
    guard let result = outcome.result else { throw UVError(.canceled, during: .wait) }
    return try result.get()
  }

  /// What became of the program: written by its task, and read when the loop has ended.
  private final class Outcome<R> {
    var result: Result<R, any Error>?
  }

  private func run<R>(
    _ body: @escaping @LoopActor (EventLoop) async throws -> R, _ outcome: Outcome<R>
  ) {
    inner.keepLoopAlive()
    nonisolated(unsafe) let loop = self
    nonisolated(unsafe) let outcome = outcome
    let task = Task(executorPreference: LoopExecutor.main) { @LoopActor in
      do {
        unsafe outcome.result = .success(try await body(loop))
      } catch {
        unsafe outcome.result = .failure(error)
      }
      // Not while the loop is ending: its last turns let the other tasks end.
      if unsafe !loop.isEnding { unsafe loop.stop() }
    }
    run()
    task.cancel()
  }

  /// The most turns in which tasks may end after everything was closed.
  private static let lastTurns = 100

  /// Closes everything, gives tasks that wait their errors, and frees the loop.
  private func endWithTasks() {
    end()
    run()
    var turns = 0
    while hasJobs, turns < Self.lastTurns {
      run()
      turns += 1
    }
    // Jobs of a task that never waits are left to the next loop.
    endAndClose()
  }

  /// What tasks that wait on this loop need, made at its first use.
  func startTasks() throws(UVError) -> LoopTasks {
    checkThread()
    guard !isClosed else { throw UVError(.canceled, during: .initialize) }
    if let tasks { return tasks }
    let executor = LoopExecutor()
    try executor.bind(to: self)
    let tasks = LoopTasks(executor, on: self)
    self.tasks = tasks
    return tasks
  }
}
