internal import CSwiftRuntime

/// What a connection needs once tasks use it: the unread bytes, and the tasks that wait.
///
/// Used on the loop's thread only. The connection owns this. It is itself the ``LoopWait`` of the
/// task that reads.
@safe final class ConnectionTasks: LoopWait {
  let loop: LoopTasks
  private var readerIsCovered = false
  /// Changed only while no code of the program runs; no bytes are added while the program reads
  /// them.
  @exclusivity(unchecked) private var input = InputBuffer()
  /// The loop's read buffer, or what is left of it, while the read callback runs.
  @exclusivity(unchecked) private var lent: UnsafeRawBufferPointer?
  /// Bytes that the reader needs to continue.
  private var needed = 1
  private var hasEnded = false
  private var pausedReading = false
  private var drains: [CoveredWait] = []
  private var closes: [LoopWait] = []
  private var scope: Scope?
  /// The task of ``scope``, unless it was cancelled.
  @exclusivity(unchecked) private var coveredTask: UnsafeRawPointer?

  /// Bytes that wait to be read; above this, and unless a reader needs more, reading pauses.
  static let inputLimit = 65536

  private final class CoveredWait: LoopWait {
    let isCovered: Bool
    init(isCovered: Bool) { self.isCovered = isCovered }
  }

  /// A task with a cancellation handler that serves all its waits on the connection.
  ///
  /// A handler for each wait would cost more than the rest of a read.
  @safe final class Scope {
    fileprivate let task: UnsafeRawPointer?
    fileprivate let outer: Scope?
    fileprivate var isCanceled = false

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
  var available: Int { unsafe input.isEmpty ? lent?.count ?? 0 : input.count }

  /// Bytes arrived: lent to the task that waits for them; what it leaves is copied.
  private func didRead(_ bytes: UnsafeRawBufferPointer, _ connection: StreamConnection) {
    if unsafe input.isEmpty, bytes.count >= needed, isParked {
      unsafe lent = bytes
      wake()
      connection.loop.runJobs()
      keepLent()
    } else {
      unsafe input.append(bytes)
      if unsafe input.count >= needed { wake() }
    }
    guard unsafe input.count >= max(Self.inputLimit, needed), !connection.isReadingPaused else {
      return
    }
    pausedReading = true
    connection.pauseReading()
  }

  private func keepLent() {
    guard let rest = unsafe lent else { return }
    unsafe lent = nil
    unsafe input.append(rest)
  }

  private func didEnd() {
    hasEnded = true
    wake()
  }

  /// Whether the task may wait for input at once, by ``LoopWait/park(_:)`` and then
  /// ``endCoveredRead()``: it has a scope's cancellation handler, and no end or error is to be
  /// reported first.
  @inline(__always)
  func beginCoveredRead(of connection: StreamConnection) -> Bool {
    guard let task = unsafe coveredTask, unsafe task == currentTask(),
      !hasEnded, !connection.isClosing, !connection.loop.isEnding, !isBusy
    else { return false }
    if pausedReading { resumeReading(connection) }
    readerIsCovered = true
    begin()
    return true
  }

  /// The task continues after ``beginCoveredRead(of:)``.
  ///
  /// - Throws: ``UVError/Code/canceled`` when the task was cancelled first.
  @inline(__always)
  func endCoveredRead() throws(UVError) {
    readerIsCovered = false
    if end() == .canceled, available == 0 { throw UVError(.canceled, during: .read) }
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
    if unsafe lent != nil { keepLent() }
    needed = count
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
    readerIsCovered = true
    defer { readerIsCovered = false }
    return await suspendCovered(isolation: isolation)
  }

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
    guard unsafe input.isEmpty, let bytes = unsafe lent else {
      let (result, count) = try unsafe input.withBytes(body)
      unsafe input.consume(count)
      if unsafe input.count <= Self.inputLimit / 2 { resumeReading(connection) }
      return result
    }
    let (result, count) = try unsafe body(bytes.bytes)
    unsafe lent =
      count < bytes.count ? UnsafeRawBufferPointer(rebasing: bytes[count...]) : nil
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
    let wait = CoveredWait(isCovered: scope != nil)
    drains.append(wait)
    defer { drains.removeAll { $0 === wait } }
    return scope == nil
      ? await wait.suspend(loop.executor, isolation: isolation)
      : await wait.suspendCovered(isolation: isolation)
  }

  func didDrain() { for wait in drains { wait.wake() } }

  /// Waits until the connection is closed; a cancellation does not end this wait.
  func waitForClose(isolation: isolated (any Actor)? = #isolation) async {
    let wait = LoopWait()
    closes.append(wait)
    _ = await wait.suspendCovered(isolation: isolation)
  }

  func didClose() {
    wake()
    didDrain()
    for wait in closes { wait.wake() }
    closes = []
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
    self.scope = scope.outer
    unsafe coveredTask = scope.outer.flatMap { unsafe $0.isCanceled ? nil : $0.task }
  }

  /// The task of a scope was cancelled.
  func cancel(_ scope: Scope) {
    scope.isCanceled = true
    // If the scope is over, the tasks that wait now are not in it.
    guard self.scope === scope else { return }
    unsafe coveredTask = nil
    if readerIsCovered { cancel() }
    for wait in drains where wait.isCovered { wait.cancel() }
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
