/// Where the tasks of a loop wait: a task that switches to this actor is parked.
///
/// An executor runs a job when it sees fit. This one hands the job of a task that switches to it to the
/// ``LoopWait`` that ``next`` names, which gives it to the loop's executor once it is woken. A
/// continuation does the same, but the runtime then notes twice what the task depends on, looks up
/// twice, under a lock, which executor it prefers, and enqueues it on one more executor.
@usableFromInline
@safe actor Parking: SerialExecutor {
  /// What the task that switches to this actor next waits for.
  @exclusivity(unchecked) nonisolated(unsafe) private var next: Unmanaged<LoopWait>?
  /// It owns this.
  @exclusivity(unchecked) nonisolated(unsafe) private var executor: Unmanaged<LoopExecutor>?

  nonisolated func belongs(to executor: LoopExecutor) {
    unsafe self.executor = .passUnretained(executor)
  }

  @usableFromInline
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  /// The running task is going to wait for `wait`: it calls ``leave()`` at once, which returns when
  /// the wait is over.
  @inline(__always)
  nonisolated func enter(_ wait: LoopWait) { unsafe next = .passUnretained(wait) }

  /// Returns in a task that has waited.
  @usableFromInline
  func leave() {
    guard unsafe next == nil else { stopProgram("a task did not wait", #fileID, #line) }
  }

  /// Parks the job of the task that has called ``enter(_:)``; for Swift's runtime.
  @usableFromInline
  nonisolated func enqueue(_ job: consuming ExecutorJob) {
    guard let wait = unsafe next, let executor = unsafe executor else {
      stopProgram("a task waits that has not said so", #fileID, #line)
    }
    unsafe next = nil
    let parked = unsafe ParkedTask(job: UnownedJob(job), executor: executor)
    unsafe wait._withUnsafeGuaranteedRef { $0.park(parked) }
  }

  @usableFromInline
  nonisolated func checkIsolated() {
    unsafe executor?._withUnsafeGuaranteedRef { $0.checkIsolated() }
  }

  @usableFromInline
  nonisolated func isIsolatingCurrentContext() -> Bool? {
    unsafe executor?._withUnsafeGuaranteedRef { $0.isOnThread }
  }
}

/// A task that waits, to be resumed once.
@safe struct ParkedTask {
  let job: UnownedJob
  /// Whoever waits keeps it.
  let executor: Unmanaged<LoopExecutor>

  /// The task goes on when its turn comes.
  func resume() { unsafe executor._withUnsafeGuaranteedRef { $0.add(job) } }

  /// The task goes on at once, if no other is before it.
  ///
  /// - Returns: Whether jobs are left.
  func run() -> Bool { unsafe executor._withUnsafeGuaranteedRef { $0.run(job) } }
}
