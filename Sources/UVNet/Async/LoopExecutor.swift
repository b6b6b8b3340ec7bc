internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Runs the jobs of tasks and actors on a loop's thread, in the order in which they came.
///
/// It is the executor of ``LoopActor``. An actor of the program's own runs on the loop as well when
/// its `unownedExecutor` is this one:
///
/// ```swift
/// actor Statistics {
///   nonisolated var unownedExecutor: UnownedSerialExecutor {
///     LoopExecutor.main.asUnownedSerialExecutor()
///   }
///   private var greetings = 0
///   func greeted() -> Int {
///     greetings += 1
///     return greetings
///   }
/// }
/// ```
///
/// Jobs may be enqueued from any thread. Those that come while no loop runs wait for the next.
/// Priorities are ignored.
@safe public final class LoopExecutor: SerialExecutor, TaskExecutor {
  /// The executor of the loop that ``EventLoop/run(_:)`` runs: one at a time in a process.
  public static let main = LoopExecutor()

  /// Jobs and work from other threads, and the remote that wakes the loop for them.
  private struct Elsewhere {
    var jobs: [UnownedJob] = []
    var work: [@Sendable (EventLoop?) -> Void] = []
    var remote: EventLoop.Remote?

    var isEmpty: Bool { jobs.isEmpty && work.isEmpty }
  }

  private let elsewhere = Mutex(Elsewhere())
  /// The thread whose loop runs the jobs; 0 while there is none.
  private let thread = Atomic<UInt>(0)

  // The following properties are used on the loop's thread only.
  @exclusivity(unchecked) nonisolated(unsafe) private var loop: Unmanaged<EventLoop>?
  @exclusivity(unchecked) nonisolated(unsafe) private var jobs = JobRing()
  @exclusivity(unchecked) nonisolated(unsafe) private var isRunningJobs = false
  /// Jobs that may still be run in this turn of the loop beyond those that were there.
  @exclusivity(unchecked) nonisolated(unsafe) private var budget = 0

  /// How many jobs that other jobs have enqueued may run in one turn; then I/O gets its turn.
  static let jobsPerTurn = 4096

  /// Where tasks of the loop wait.
  let parking = Parking()

  init() { parking.belongs(to: self) }

  /// Whether the caller is on the thread of the loop.
  @inline(__always)
  final var isOnThread: Bool { thread.load(ordering: .relaxed) == currentThread() }

  /// Takes a job; for Swift's runtime.
  ///
  /// - Parameter job: The job.
  public func enqueue(_ job: consuming ExecutorJob) { add(UnownedJob(job)) }

  /// Adds a job to those that wait for their turn.
  func add(_ job: UnownedJob) {
    guard isOnThread, let loop = unsafe loop else { return enqueueFromElsewhere(job) }
    unsafe jobs.append(job)
    unsafe loop._withUnsafeGuaranteedRef { $0.jobsHaveCome() }
  }

  private func enqueueFromElsewhere(_ job: UnownedJob) {
    let remote = elsewhere.withLock { elsewhere -> EventLoop.Remote? in
      let isFirst = elsewhere.isEmpty
      elsewhere.jobs.append(job)
      return isFirst ? elsewhere.remote : nil
    }
    remote?.execute { loop in loop.executor?.takeFromElsewhere() }
  }

  /// A reference for an actor's `unownedExecutor`.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  /// Stops the program unless the caller is on the loop's thread; for Swift's runtime.
  public func checkIsolated() {
    guard isOnThread else {
      stopProgram(
        "not on the thread of the loop that runs LoopActor; see LoopActor", #fileID, #line)
    }
  }

  /// Whether the caller is on the loop's thread; for Swift's runtime.
  public func isIsolatingCurrentContext() -> Bool? { isOnThread }

  /// Calls `body` on the loop's thread, at once if the caller is on it: with the loop, or with
  /// `nil` if the loop ends first.
  ///
  /// - Returns: Whether there was a loop; otherwise `body` is not called.
  @discardableResult
  func perform(_ body: @escaping @Sendable (EventLoop?) -> Void) -> Bool {
    if isOnThread {
      unsafe loop?._withUnsafeGuaranteedRef { body($0) }
      return true
    }
    let (remote, isFirst) = elsewhere.withLock { elsewhere in
      let isFirst = elsewhere.isEmpty
      if elsewhere.remote != nil { elsewhere.work.append(body) }
      return (elsewhere.remote, isFirst)
    }
    if isFirst { remote?.execute { loop in loop.executor?.takeFromElsewhere() } }
    return remote != nil
  }
}

// MARK: - On the loop's thread

extension LoopExecutor {
  /// Makes `loop` run the jobs; called on its thread.
  ///
  /// - Throws: ``UVError/Code/busy`` while another loop does.
  func bind(to loop: EventLoop) throws(UVError) {
    let remote = loop.remote
    let isFree = elsewhere.withLock { elsewhere in
      guard elsewhere.remote == nil else { return false }
      elsewhere.remote = remote
      return true
    }
    guard isFree else {
      throw UVError(
        .busy, during: .initialize, detail: "another loop of the process runs LoopActor")
    }
    unsafe self.loop = .passUnretained(loop)
    loop.executor = self
    thread.store(currentThread(), ordering: .relaxed)
    takeFromElsewhere()
  }

  /// Unbinds the loop; jobs that remain, or come later, wait for the next loop.
  func unbind() {
    thread.store(0, ordering: .relaxed)
    unsafe loop?._withUnsafeGuaranteedRef { $0.executor = nil }
    unsafe loop = nil
    var rest: [UnownedJob] = []
    while let job = unsafe jobs.removeFirst() { rest.append(job) }
    let work = elsewhere.withLock { elsewhere in
      elsewhere.remote = nil
      elsewhere.jobs.insert(contentsOf: rest, at: 0)
      let work = elsewhere.work
      elsewhere.work = []
      return work
    }
    for body in work { body(nil) }
  }

  private func takeFromElsewhere() {
    let (newJobs, work) = elsewhere.withLock { elsewhere in
      let brought = (elsewhere.jobs, elsewhere.work)
      elsewhere.jobs = []
      elsewhere.work = []
      return brought
    }
    guard let loop = unsafe loop else { return }
    for job in newJobs { unsafe jobs.append(job) }
    unsafe loop._withUnsafeGuaranteedRef { loop in
      if !newJobs.isEmpty { loop.jobsHaveCome() }
      for body in work { body(loop) }
    }
  }

  /// A new turn of the loop: it may run as many jobs as any other.
  func beginTurn() { unsafe budget = Self.jobsPerTurn }

  /// Runs the queued jobs, and the jobs that they enqueue within the turn's budget.
  ///
  /// - Returns: Whether jobs are left.
  func runJobs() -> Bool {
    guard unsafe !isRunningJobs else { return true }
    unsafe isRunningJobs = true
    var due = unsafe jobs.count
    while due > 0 || (unsafe budget) > 0, let job = unsafe jobs.removeFirst() {
      if due > 0 { due &-= 1 } else { unsafe budget &-= 1 }
      runNow(job)
    }
    unsafe isRunningJobs = false
    return unsafe !jobs.isEmpty
  }

  /// Runs a job at once, if no other is before it, and the jobs that it enqueues as ``runJobs()``
  /// does.
  ///
  /// - Returns: Whether jobs are left.
  func run(_ job: UnownedJob) -> Bool {
    guard unsafe !isRunningJobs, unsafe jobs.isEmpty else {
      unsafe jobs.append(job)
      return runJobs()
    }
    unsafe isRunningJobs = true
    runNow(job)
    unsafe isRunningJobs = false
    return unsafe jobs.isEmpty ? false : runJobs()
  }

  @inline(__always)
  private func runNow(_ job: UnownedJob) {
    unsafe job.runSynchronously(
      isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
  }
}

/// The calling thread, as a number.
@inline(__always)
private func currentThread() -> UInt {
  #if canImport(Darwin)
    UInt(bitPattern: pthread_self())
  #else
    UInt(pthread_self())
  #endif
}
