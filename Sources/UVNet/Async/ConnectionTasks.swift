internal import CSwiftRuntime

/// What a connection needs once tasks use it: the unread bytes, and the tasks that wait.
///
/// Used on the loop's thread only. The connection owns this. It is itself the ``LoopWait`` of the
/// task that reads.
@safe final class ConnectionTasks: LoopWait {
  private var hasEnded = false
  private var pausedReading = false
  /// Bytes that the reader needs to continue, or as many as this type has.
  private var needed: UInt32 = 1
  let loop: LoopTasks
  /// Changed only while no code of the program runs; no bytes are added while the program reads
  /// them.
  @exclusivity(unchecked) private var input = InputBuffer()
  /// The loop's read buffer, or what is left of it, while the read callback runs.
  @exclusivity(unchecked) private var lent = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  /// The tasks that wait for something else than bytes.
  private var others: [OtherWait] = []
  /// The scope that was opened last, of those that are not over.
  private var scope: Scope?
  /// The task that waits for bytes, if a scope's cancellation handler serves its wait.
  @exclusivity(unchecked) private var coveredReader: UnsafeRawPointer?
  /// The task of ``scope``, unless it was cancelled.
  @exclusivity(unchecked) private var coveredTask: UnsafeRawPointer?

  /// Bytes that wait to be read; above this, and unless a reader needs more, reading pauses.
  static let inputLimit = 65536

  /// A wait for the connection's low-water mark, or for its close.
  @safe private final class OtherWait: LoopWait {
    enum Purpose { case drain, close }
    let purpose: Purpose
    /// The task that waits, if a scope's cancellation handler serves its wait.
    let coveredTask: UnsafeRawPointer?

    init(for purpose: Purpose, of coveredTask: UnsafeRawPointer? = nil) {
      self.purpose = purpose
      unsafe self.coveredTask = coveredTask
    }
  }

  /// A task with a cancellation handler that serves all its waits on the connection.
  ///
  /// A handler for each wait would cost more than the rest of a read. Several tasks may have one, and
  /// their scopes end in any order.
  @safe final class Scope {
    fileprivate let task: UnsafeRawPointer?
    /// The one that was opened before.
    fileprivate var outer: Scope?
    fileprivate var isCanceled = false
    fileprivate var isOver = false

    fileprivate init(in outer: Scope?) {
      unsafe task = currentTask()
      self.outer = outer
    }
  }

  init(on loop: LoopTasks) { self.loop = loop }

  /// The set that serves every connection of a loop that tasks read.
  static func makeHandlers() -> StreamConnection.Handlers {
    StreamConnection.Handlers(
      onData: { connection, bytes in
        unsafe bytes.withUnsafeBytes { unsafe connection.tasks?.didRead($0, connection) }
      },
      onEnd: { $0.tasks?.didEnd() })
  }
}

// MARK: - Input

extension ConnectionTasks {
  /// Bytes that can be read without waiting.
  var available: Int { unsafe input.isEmpty ? lent.count : input.count }

  /// Bytes arrived: lent to the task that waits for them; what it leaves is copied.
  private func didRead(_ bytes: UnsafeRawBufferPointer, _ connection: StreamConnection) {
    if unsafe input.isEmpty, bytes.count >= needed, let task = takeWoken() {
      unsafe lent = bytes
      connection.loop.hasJobs = task.run()
      keepLent()
    } else {
      unsafe input.append(bytes)
      if unsafe input.count >= needed { wake() }
    }
    guard unsafe input.count >= max(Self.inputLimit, Int(needed)), !connection.isReadingPaused
    else {
      return
    }
    pausedReading = true
    connection.pauseReading()
  }

  @inline(__always)
  private func keepLent() {
    guard unsafe !lent.isEmpty else { return }
    unsafe input.append(lent)
    endLending()
  }

  private func didEnd() {
    hasEnded = true
    wake()
  }

  /// Where the task waits, and then calls ``endCoveredRead()``; `nil` if it may not at once.
  ///
  /// It may if it has a scope's cancellation handler, and no end or error is to be reported first.
  @inline(__always)
  func beginCoveredRead(of connection: StreamConnection) -> Parking? {
    guard let task = unsafe coveredTask, unsafe task == currentTask(),
      !hasEnded, !connection.isClosing, !connection.loop.isEnding, !isBusy
    else { return nil }
    if pausedReading { resumeReading(connection) }
    unsafe coveredReader = task
    let parking = loop.executor.parking
    begin(in: parking)
    return parking
  }

  /// The task continues after ``beginCoveredRead(of:)``.
  ///
  /// - Returns: Whether bytes can be read; `nil` when they cannot, and the task was cancelled.
  @inline(__always)
  func endCoveredRead() -> Bool? {
    unsafe coveredReader = nil
    let isReady = available > 0
    return end() == .canceled && !isReady ? nil : isReady
  }

  /// Waits until at least `count` bytes can be read.
  ///
  /// - Parameters:
  ///   - count: How many bytes.
  ///   - connection: The connection, which owns this.
  ///   - hasWaited: Whether the task has waited for them already.
  ///   - isolation: The caller's.
  /// - Returns: Whether they can; otherwise the peer has ended its stream.
  /// - Throws: ``UVError/Code/canceled`` when the task is, or when this side closes the connection;
  ///   what the connection failed with; ``UVError/Code/badDescriptor`` when it is closed already.
  func waitForInput(
    _ count: Int, of connection: StreamConnection, hasWaited: Bool = false,
    isolation: isolated (any Actor)? = #isolation
  ) async throws(UVError) -> Bool {
    guard !isBusy else {
      stopProgram("two tasks read a connection at the same time", #fileID, #line)
    }
    // The bytes are copied, because the task's wait for more outlives the callback.
    keepLent()
    needed = UInt32(clamping: count)
    defer { needed = 1 }
    var code = hasWaited ? UVError.Code.canceled : .badDescriptor
    while available < count {
      if hasEnded { return false }
      if connection.isClosing { throw connection.failure(code, during: .read) }
      resumeReading(connection)
      code = .canceled
      let outcome = await suspendReader(isolation: isolation)
      if outcome == .canceled, available < count { throw UVError(.canceled, during: .read) }
    }
    return true
  }

  private func suspendReader(isolation: isolated (any Actor)? = #isolation) async -> WaitOutcome {
    guard !loop.isEnding else { return .canceled }
    guard let scope = currentScope else {
      return await suspend(loop.executor, isolation: isolation)
    }
    guard !scope.isCanceled else { return .canceled }
    unsafe coveredReader = scope.task
    defer { unsafe coveredReader = nil }
    return await suspendCovered(loop.executor, isolation: isolation)
  }

  /// The bytes that are lent, if they come next.
  @inline(__always)
  var lentInput: UnsafeRawBufferPointer? {
    unsafe input.isEmpty && !lent.isEmpty ? lent : nil
  }

  /// The lent bytes have been read.
  @inline(__always)
  func endLending() { unsafe lent = UnsafeRawBufferPointer(start: nil, count: 0) }

  private func resumeReading(_ connection: StreamConnection) {
    guard pausedReading else { return }
    pausedReading = false
    connection.resumeReading()
  }

  /// Calls `body` with the bytes that can be read, and forgets as many as it says.
  func consume<R, Failure: Error>(
    from connection: StreamConnection,
    _ body: (RawSpan) throws(Failure) -> (result: R, count: Int)
  ) throws(Failure) -> R {
    guard unsafe input.isEmpty, unsafe !lent.isEmpty else {
      let (result, count) = try unsafe input.withBytes(body)
      unsafe input.consume(count)
      if unsafe input.count <= Self.inputLimit / 2 { resumeReading(connection) }
      return result
    }
    let (result, count) = try unsafe body(lent.bytes)
    unsafe lent = UnsafeRawBufferPointer(rebasing: lent[count...])
    return result
  }
}

// MARK: - Output and the end

extension ConnectionTasks {
  /// Waits until the connection is below its low-water mark again.
  func waitForDrain(
    of connection: StreamConnection, isolation: isolated (any Actor)? = #isolation
  ) async throws(UVError) {
    var code = UVError.Code.badDescriptor
    while true {
      if connection.isClosing { throw connection.failure(code, during: .write) }
      guard connection.progress.contains(.aboveHighWater) else { return }
      code = .canceled
      guard await suspendDrain(isolation: isolation) == .woken else {
        throw UVError(.canceled, during: .write)
      }
    }
  }

  private func suspendDrain(isolation: isolated (any Actor)? = #isolation) async -> WaitOutcome {
    guard !loop.isEnding else { return .canceled }
    let scope = currentScope
    guard scope?.isCanceled != true else { return .canceled }
    let wait = unsafe OtherWait(for: .drain, of: scope?.task)
    others.append(wait)
    defer { others.removeAll { $0 === wait } }
    return scope == nil
      ? await wait.suspend(loop.executor, isolation: isolation)
      : await wait.suspendCovered(loop.executor, isolation: isolation)
  }

  func didDrain() {
    for wait in others where wait.purpose == .drain { wait.wake() }
  }

  /// Waits until the connection is closed; a cancellation does not end this wait.
  func waitForClose(isolation: isolated (any Actor)? = #isolation) async {
    let wait = unsafe OtherWait(for: .close)
    others.append(wait)
    defer { others.removeAll { $0 === wait } }
    _ = await wait.suspendCovered(loop.executor, isolation: isolation)
  }

  func didClose() {
    wake()
    for wait in others { wait.wake() }
  }
}

// MARK: - Scopes

extension ConnectionTasks {
  /// The scope of the running task; a scope of another task does not serve it.
  private var currentScope: Scope? {
    guard let scope, let task = unsafe scope.task, unsafe task == currentTask() else { return nil }
    return scope
  }

  /// Calls `body`, in which one cancellation handler serves all waits of the task.
  func scoped<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
  ) async rethrows -> R {
    let scope = openScope()
    defer { closeScope(scope) }
    nonisolated(unsafe) let this = self
    nonisolated(unsafe) let opened = scope
    let executor = loop.executor
    return try await withTaskCancellationHandler {
      _ = isolation
      return try await body()
    } onCancel: {
      executor.perform { _ in unsafe this.cancel(opened) }
    }
  }

  /// From now on ``cancel(_:)`` cancels all waits of the running task.
  func openScope() -> Scope {
    let scope = Scope(in: scope)
    self.scope = scope
    unsafe coveredTask = scope.task
    return scope
  }

  func closeScope(_ scope: Scope) {
    scope.isOver = true
    if self.scope === scope {
      self.scope = scope.outer
    } else {
      // Another task has opened one since.
      var later = self.scope
      while let before = later?.outer, before !== scope { later = before }
      later?.outer = scope.outer
    }
    findCoveredTask()
  }

  private func findCoveredTask() {
    unsafe coveredTask = scope.flatMap { unsafe $0.isCanceled ? nil : $0.task }
  }

  /// The task of a scope was cancelled.
  func cancel(_ scope: Scope) {
    scope.isCanceled = true
    // The task of a scope that is over may be gone, and another have its address.
    guard !scope.isOver else { return }
    findCoveredTask()
    if unsafe coveredReader == scope.task { cancel() }
    for wait in others where unsafe wait.coveredTask == scope.task { wait.cancel() }
  }
}

/// The task that runs, by the runtime's own function: to be compared only, and while the task is known
/// to live.
///
/// `withUnsafeCurrentTask` takes ten times the instructions.
@inline(__always)
private func currentTask() -> UnsafeRawPointer? { unsafe crt_current_task() }

extension StreamConnection {
  /// Why a closed connection cannot be used: what it failed with, or else `code`.
  fileprivate func failure(
    _ code: UVError.Code, during operation: UVError.Operation
  ) -> UVError {
    if let error = closeReason?.error { return error }
    return UVError(code, during: operation)
  }
}
