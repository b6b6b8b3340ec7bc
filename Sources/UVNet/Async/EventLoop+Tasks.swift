extension EventLoop {
  /// Makes a loop, runs an async program on it, and ends both.
  ///
  /// `body` and all that it starts run on the calling thread. When `body` returns or throws,
  /// everything on the loop is closed: tasks that still wait for something of it are given
  /// ``UVError/Code/canceled``, then the loop is freed. The loop stays alive while `body` waits,
  /// whatever for. If a callback calls ``stop()``, the task of `body` is cancelled, and everything
  /// ends in the same way.
  ///
  /// ```swift
  /// let address = try EventLoop.run { loop in
  ///   try await Resolver.resolve("localhost", port: 7007, on: loop)[0]
  /// }
  /// ```
  ///
  /// - Parameter body: The program.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws; the system's error when there is no loop to be had;
  ///   ``UVError/Code/busy`` while another thread of the process runs a loop in this way, and when
  ///   tasks go on opening handles when all is to be closed.
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
    try loop.end()
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
    remoteDoor?.keepsLoopAlive = true
    nonisolated(unsafe) let loop = self
    nonisolated(unsafe) let outcome = outcome
    let task = Task(executorPreference: LoopExecutor.main) { @LoopActor in
      do {
        unsafe outcome.result = .success(try await body(loop))
      } catch {
        unsafe outcome.result = .failure(error)
      }
      if unsafe loop.tasks?.isEnding == false { unsafe loop.stop() }
    }
    run()
    task.cancel()
  }

  /// Turns that tasks have to see that all is over, before the loop gives up on them.
  private static let lastTurns = 100

  /// Closes everything, gives tasks that wait their errors, and frees the loop.
  private func end() throws(UVError) {
    tasks?.isEnding = true
    remoteDoor?.keepsLoopAlive = false
    var turns = 0
    while hasJobs || !openHandles.isEmpty, turns < Self.lastTurns {
      for lookup in lookups { lookup.cancel() }
      closeAll()
      turn()
      turns += 1
    }
    // Jobs of a task that never waits are left to the next loop.
    try close()
  }

  /// What tasks that wait on this loop need, made at its first use.
  func startTasks() throws(UVError) -> LoopTasks {
    checkIsOpen()
    checkThread()
    if let tasks { return tasks }
    let executor = LoopExecutor()
    try executor.bind(to: self)
    let tasks = LoopTasks(executor, on: self)
    self.tasks = tasks
    return tasks
  }
}
