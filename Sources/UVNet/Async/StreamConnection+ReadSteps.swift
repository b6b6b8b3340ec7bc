// The steps of a read. The asynchronous functions that take them are inlined into the program, so that
// a task waits in no function but its own: each one in between costs memory for as long as the task
// waits, and a look-up, under a lock, of the executor that the task prefers when the function returns.

extension StreamConnection {
  /// The tasks' part, without a retain: whoever calls uses the connection, which keeps it.
  @inline(__always)
  private final var unretainedTasks: Unmanaged<ConnectionTasks>? {
    guard let tasks else { return nil }
    return unsafe .passUnretained(tasks)
  }

  /// A task begins to read.
  ///
  /// - Parameter isReady: Set when there are bytes.
  /// - Returns: Where the task waits, and then calls ``endRead()``; `nil` if it need not wait, or only
  ///   ``waitForInput(hasWaited:isolation:)`` can.
  /// - Throws: The system's error when the loop cannot serve tasks.
  @usableFromInline
  final func beginRead(_ isReady: inout Bool) throws(UVError) -> Parking? {
    loop.checkThread()
    if unsafe tasks == nil || handlers == nil { _ = try startReadingTasks() }
    return unsafe unretainedTasks?._withUnsafeGuaranteedRef { tasks in
      isReady = tasks.available > 0
      return isReady ? nil : tasks.beginCoveredRead(of: self)
    }
  }

  /// A task has waited.
  ///
  /// - Returns: Whether there are bytes.
  /// - Throws: ``UVError/Code/canceled`` when the task was cancelled first.
  @usableFromInline
  final func endRead() throws(UVError) -> Bool {
    guard let isReady = unsafe unretainedTasks?._withUnsafeGuaranteedRef({ $0.endCoveredRead() })
    else {
      throw UVError(.canceled, during: .read)
    }
    return isReady
  }

  /// Waits for bytes, in all cases.
  ///
  /// - Parameters:
  ///   - hasWaited: Whether the task has waited for them already.
  ///   - isolation: The caller's.
  /// - Returns: Whether there are bytes; otherwise the peer has ended its stream.
  /// - Throws: As ``read(_:)`` does.
  @usableFromInline
  final func waitForInput(
    hasWaited: Bool, isolation: isolated (any Actor)? = #isolation
  ) async throws(UVError) -> Bool {
    try await startReadingTasks()
      .waitForInput(1, of: self, hasWaited: hasWaited, isolation: isolation)
  }

  /// The loop's read buffer, if a task may read from it: ``endLending()`` follows at once.
  @usableFromInline
  final var lentInput: UnsafeRawBufferPointer? {
    unsafe unretainedTasks?._withUnsafeGuaranteedRef { unsafe $0.lentInput }
  }

  /// The task has read all of ``lentInput``.
  @usableFromInline
  final func endLending() { unsafe unretainedTasks?._withUnsafeGuaranteedRef { $0.endLending() } }

  /// Calls `body` with the bytes that there are, and forgets them.
  @usableFromInline
  final func takeInput<R>(_ body: (RawSpan) -> R) throws(UVError) -> R {
    try startReadingTasks().consume(from: self) { (body($0), $0.byteCount) }
  }

  /// Moves the bytes that there are to the end of `buffer`, and says how many.
  @usableFromInline
  final func takeInput(into buffer: inout [UInt8]) -> Int {
    unsafe unretainedTasks?._withUnsafeGuaranteedRef { tasks in
      tasks.consume(from: self) { bytes in
        unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
        return (bytes.byteCount, bytes.byteCount)
      }
    } ?? 0
  }

  /// Empties the memory of a piece, for the next; an idle connection keeps little.
  @usableFromInline
  final func prepareChunk(_ buffer: inout [UInt8]) {
    if buffer.capacity > InputBuffer.keptCapacity {
      buffer = []
    } else {
      buffer.removeAll(keepingCapacity: true)
    }
  }

  /// Whether more than the high-water mark is on its way out.
  @usableFromInline
  final var isAboveHighWater: Bool { progress.contains(.aboveHighWater) }
}
