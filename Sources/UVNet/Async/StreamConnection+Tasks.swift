extension StreamConnection {
  /// What tasks that use the connection need, made at its first use.
  final func startTasks() throws(UVError) -> ConnectionTasks {
    loop.checkThread()
    if let tasks { return tasks }
    let tasks = ConnectionTasks(on: try loop.startTasks())
    self.tasks = tasks
    return tasks
  }

  /// The same for a task that reads: the connection begins to read.
  final func startReadingTasks() throws(UVError) -> ConnectionTasks {
    let tasks = try startTasks()
    guard !isClosing else { return tasks }
    if unsafe handlers == nil {
      start(tasks.loop.handlers)
    } else if unsafe handlers?.takeUnretainedValue() !== tasks.loop.handlers.closures {
      stopProgram("a task reads a connection that callbacks read", #fileID, #line)
    }
    return tasks
  }
}

// MARK: - Reading

extension StreamConnection {
  /// Waits for bytes, and calls `body` with all that there are, without a copy.
  ///
  /// The first read of a connection starts it. Bytes that come while no task waits for them are
  /// kept; above 64 KiB reading pauses.
  ///
  /// One task at a time may read: a second, or one beside callbacks, is a mistake in the program, and
  /// stops it. Cancelling the task ends the wait, not the connection, and loses no byte. A read that
  /// need not wait succeeds in a cancelled task, too.
  ///
  /// - Parameter body: Called with at least one byte; the span is valid during the call only.
  /// - Returns: What `body` returns; `nil` when the peer has ended its stream.
  /// - Throws: What the connection failed with, such as ``UVError/Code/connectionReset``;
  ///   ``UVError/Code/canceled`` when the task is cancelled, or the connection is closed while the
  ///   task waits; ``UVError/Code/badDescriptor`` when it was closed before.
  @inlinable
  public nonisolated(nonsending) final func read<R>(
    _ body: (RawSpan) -> R
  ) async throws(UVError) -> R? {
    var (isReady, hasWaited) = (false, false)
    if let parking = try beginRead(&isReady) {
      await parking.leave()
      (isReady, hasWaited) = (try endRead(), true)
    }
    if !isReady, !(try await waitForInput(hasWaited: hasWaited)) { return nil }
    guard let bytes = unsafe lentInput else { return try takeInput(body) }
    let result = body(unsafe bytes.bytes)
    endLending()
    return result
  }

  /// Waits for bytes, and appends all that there are to `buffer`.
  ///
  /// A buffer that is used again, after `removeAll(keepingCapacity: true)`, costs no allocation.
  ///
  /// - Parameter buffer: Where to append; unchanged at the end of the stream.
  /// - Returns: The number of bytes, at least one; `nil` when the peer has ended its stream.
  /// - Throws: As ``read(_:)`` does.
  @inlinable
  public nonisolated(nonsending) final func read(
    into buffer: inout [UInt8]
  ) async throws(UVError) -> Int? {
    var (isReady, hasWaited) = (false, false)
    if let parking = try beginRead(&isReady) {
      await parking.leave()
      (isReady, hasWaited) = (try endRead(), true)
    }
    if !isReady, !(try await waitForInput(hasWaited: hasWaited)) { return nil }
    return takeInput(into: &buffer)
  }

  /// Waits for exactly `count` bytes.
  ///
  /// A cancelled task takes none: the next read begins with the first of them.
  ///
  /// - Parameter count: How many bytes, not negative. They are held in memory: bound it, where the
  ///   peer says how many.
  /// - Returns: The bytes; `nil` when the peer has ended its stream before the first.
  /// - Throws: ``UVError/Code/endOfFile`` when the peer has ended its stream before the last;
  ///   otherwise as ``read(_:)`` does.
  public nonisolated(nonsending) final func read(
    exactly count: Int
  ) async throws(UVError) -> [UInt8]? {
    guard count >= 0 else {
      stopProgram("read(exactly:) was asked for a negative number of bytes", #fileID, #line)
    }
    guard count > 0 else { return [] }
    let tasks = try startReadingTasks()
    if tasks.available < count, !(try await tasks.waitForInput(count, of: self)) {
      guard tasks.available == 0 else { throw UVError(.endOfFile, during: .read) }
      return nil
    }
    return tasks.consume(from: self) { bytes in
      (unsafe bytes.extracting(first: count).withUnsafeBytes { unsafe Array($0) }, count)
    }
  }
}

// MARK: - Writing

extension StreamConnection {
  /// Sends bytes, together with all else that is written before the loop continues, and waits only
  /// while the peer is slow.
  ///
  /// All bytes are taken at once. The task is suspended only if more than the high-water mark of
  /// ``writeLimits`` are on their way out, until no more than the low-water mark are. Several tasks
  /// may write.
  ///
  /// - Parameter bytes: What to send; copied before the task is suspended.
  /// - Throws: ``UVError/Code/noBufferSpace`` over the hard limit, ``UVError/Code/brokenPipe`` after
  ///   ``shutdown()``, ``UVError/Code/badDescriptor`` after a close: nothing is sent then. What the
  ///   connection fails with while the task waits, or ``UVError/Code/canceled`` when the task is
  ///   cancelled: the bytes are still on their way then.
  @inlinable
  public nonisolated(nonsending) final func write(_ bytes: RawSpan) async throws(UVError) {
    try write(bytes, completion: nil)
    if isAboveHighWater { try await drained() }
  }

  /// Sends bytes; see ``write(_:)-(RawSpan)``.
  ///
  /// - Parameter bytes: What to send.
  /// - Throws: As ``write(_:)-(RawSpan)`` does.
  @inlinable
  public nonisolated(nonsending) final func write(_ bytes: Span<UInt8>) async throws(UVError) {
    try unsafe write(bytes.bytes, completion: nil)
    if isAboveHighWater { try await drained() }
  }

  /// Sends bytes; see ``write(_:)-(RawSpan)``.
  ///
  /// - Parameter bytes: What to send.
  /// - Throws: As ``write(_:)-(RawSpan)`` does.
  @inlinable
  public nonisolated(nonsending) final func write(_ bytes: [UInt8]) async throws(UVError) {
    try write(bytes, completion: nil)
    if isAboveHighWater { try await drained() }
  }

  /// Sends a part of an array; see ``write(_:)-(RawSpan)``.
  ///
  /// - Parameter bytes: What to send.
  /// - Throws: As ``write(_:)-(RawSpan)`` does.
  @inlinable
  public nonisolated(nonsending) final func write(
    _ bytes: ArraySlice<UInt8>
  ) async throws(UVError) {
    try write(bytes, completion: nil)
    if isAboveHighWater { try await drained() }
  }

  /// Sends text as UTF-8; see ``write(_:)-(RawSpan)``.
  ///
  /// - Parameter text: What to send.
  /// - Throws: As ``write(_:)-(RawSpan)`` does.
  @inlinable
  public nonisolated(nonsending) final func write(_ text: String) async throws(UVError) {
    try unsafe write(text.utf8Span.span.bytes, completion: nil)
    if isAboveHighWater { try await drained() }
  }

  /// Waits until ``isWritable`` is true again, down at the low-water mark.
  ///
  /// Several tasks may wait.
  ///
  /// - Throws: What the connection fails with; ``UVError/Code/canceled`` when the task is cancelled,
  ///   or the connection is closed meanwhile; ``UVError/Code/badDescriptor`` when it was closed
  ///   before.
  public nonisolated(nonsending) final func drained() async throws(UVError) {
    try await startTasks().waitForDrain(of: self)
  }
}

// MARK: - The end

extension StreamConnection {
  /// Waits until the connection is closed, whoever closes it; it does not close it.
  ///
  /// Cancelling the task does not end this wait. Several tasks may wait.
  public nonisolated(nonsending) final func finished() async {
    guard !isClosed, let tasks = try? startTasks() else { return }
    await tasks.waitForClose()
  }

  /// Calls `body`, in which reads and writes of the connection by this task cost less: one
  /// cancellation handler serves them all.
  ///
  /// Nothing else changes. `serve` of an ``AsyncListener`` does it for each connection.
  ///
  /// - Parameters:
  ///   - isolation: The caller's, given by the compiler.
  ///   - body: Uses the connection.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  public final func scoped<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
  ) async rethrows -> R {
    guard let tasks = try? startTasks() else { return try await body() }
    return try await tasks.scoped(isolation: isolation, body)
  }
}
