internal import CLibUV

/// A two-way stream of bytes: what connections of every kind have in common.
///
/// Callbacks come in this order: data, then at most one end; write completions as the kernel takes
/// bytes; and last, exactly once, the close. None comes before the call that asked for it has
/// returned.
///
/// Writes are collected: all that a callback writes leaves in one system call when it returns.
public class StreamConnection: Handle {
  /// What to call when something happens; each closure gets the connection, to avoid a cycle.
  ///
  /// The closures are dropped after the close callback.
  public struct Handlers {
    /// Bytes arrived; the span is valid during the call only.
    public var onData: (StreamConnection, RawSpan) -> Void
    /// The peer has ended its stream, and can still be written to.
    ///
    /// Without a handler the connection closes gracefully by itself.
    public var onEnd: ((StreamConnection) -> Void)?
    /// ``StreamConnection/isWritable`` is true again.
    public var onDrain: ((StreamConnection) -> Void)?
    /// The connection is closed: exactly once, and last.
    public var onClose: ((StreamConnection, CloseReason) -> Void)?

    /// Makes a set of handlers.
    public init(
      onData: @escaping (StreamConnection, RawSpan) -> Void,
      onEnd: ((StreamConnection) -> Void)? = nil,
      onDrain: ((StreamConnection) -> Void)? = nil,
      onClose: ((StreamConnection, CloseReason) -> Void)? = nil
    ) {
      self.onData = onData
      self.onEnd = onEnd
      self.onDrain = onDrain
      self.onClose = onClose
    }
  }

  /// How much may be on its way out.
  public struct WriteLimits: Hashable, Sendable {
    /// ``StreamConnection/isWritable`` is false from the first write that brings
    /// ``StreamConnection/pendingBytes`` above this many bytes.
    public var highWaterMark: Int
    /// It is true again when no more than this many bytes are left.
    public var lowWaterMark: Int
    /// A write that would bring more than this many bytes is refused.
    public var maximumPendingBytes: Int
    /// A write with a completion is refused while this many wait for theirs.
    ///
    /// Writes without one cost only their bytes and are not counted.
    public var maximumPendingCompletions: Int

    /// Makes limits; the defaults are 16 KiB and 64 KiB, 16 MiB and 65536 completions.
    public init(
      highWaterMark: Int = 65536, lowWaterMark: Int = 16384,
      maximumPendingBytes: Int = 16 << 20, maximumPendingCompletions: Int = 65536
    ) {
      self.highWaterMark = highWaterMark
      self.lowWaterMark = min(lowWaterMark, highWaterMark)
      self.maximumPendingBytes = maximumPendingBytes
      self.maximumPendingCompletions = maximumPendingCompletions
    }
  }

  /// How much may be on its way out; may be changed at any time.
  public final var writeLimits: WriteLimits {
    get { limits.value }
    set { limits = SharedLimits(newValue) }
  }

  /// A number for the program's own use, such as an index in its table of sessions.
  public final var tag = 0

  /// Bytes received so far.
  public final private(set) var bytesRead: UInt64 = 0

  private final var limits: SharedLimits
  private final var handlers: Handlers?
  private final var queue = WriteQueue()
  private final var progress: Progress = []
  private final var reason: CloseReason?
  private final var lingerTimer: LoopTimer?
  private final var unsentAtClose = 0

  /// What has happened to the connection; flags, since most may come in any order.
  private struct Progress: OptionSet {
    let rawValue: UInt16
    static let reading = Self(rawValue: 1)
    static let paused = Self(rawValue: 2)
    static let endReceived = Self(rawValue: 4)
    static let needsFlush = Self(rawValue: 8)
    static let aboveHighWater = Self(rawValue: 16)
    static let shutdownAsked = Self(rawValue: 32)
    static let shutdownBegun = Self(rawValue: 64)
    static let shutdownDone = Self(rawValue: 128)
    /// Closing gracefully: input is thrown away.
    static let lingering = Self(rawValue: 256)
  }

  init(
    _ type: uv_handle_type, on loop: EventLoop, limits: SharedLimits,
    initialize: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutablePointer<uv_handle_t>) -> Int32
  ) throws(UVError) {
    self.limits = limits
    try unsafe super.init(type, on: loop, initialize: initialize)
  }

  /// Begins to read.
  ///
  /// Call it once, where the connection is handed over or later.
  ///
  /// Until then nothing is read, and the end of the connection goes unnoticed.
  public final func start(_ handlers: Handlers) {
    guard !isClosing else {
      // Nothing more will come but the close callback, where that is still owed.
      if self.handlers == nil, !isClosed { self.handlers = handlers }
      return
    }
    precondition(self.handlers == nil, "a connection was started twice")
    self.handlers = handlers
    startReading()
  }

  /// Why the connection was closed; `nil` while it is open.
  public final var closeReason: CloseReason? { isClosing ? reason : nil }

  override func willClose() {
    unsentAtClose = pendingBytes
    if reason == nil { reason = progress.contains(.endReceived) ? .peer : .local }
    lingerTimer?.cancel()
    lingerTimer = nil
  }

  override func didClose() {
    let handlers = self.handlers
    self.handlers = nil
    queue.discardCollected(pool: loop.writeBuffers)
    while let completion = queue.nextAbandoned() {
      completion(.failure(failure ?? UVError(.canceled, during: .write)))
    }
    handlers?.onClose?(self, reason ?? .local)
  }

  private final var failure: UVError? {
    if case .failed(let error) = reason { error } else { nil }
  }

  final func fail(_ status: Int32, _ operation: UVError.Operation) {
    guard !isClosing else { return }
    reason = .failed(UVError(status, operation))
    close()
  }

  fileprivate static func of(_ raw: UnsafeMutablePointer<uv_stream_t>) -> StreamConnection {
    unsafe Handle.of(
      UnsafeMutableRawPointer(raw).assumingMemoryBound(to: uv_handle_t.self),
      as: StreamConnection.self)
  }
}

/// Limits that many connections share, so that each holds a reference only.
final class SharedLimits {
  let value: StreamConnection.WriteLimits
  init(_ value: StreamConnection.WriteLimits) { self.value = value }
}

// MARK: - Reading

extension StreamConnection {
  /// Stops reading, so that the peer is slowed down by TCP's flow control.
  ///
  /// While reading is paused and nothing is being written, the system does not tell of a peer's
  /// reset: pause only while there is something to send, or have a timer.
  public final func pauseReading() {
    guard !isClosing, !progress.contains(.lingering) else { return }
    loop.checkThread()
    progress.insert(.paused)
    stopReading()
  }

  /// Reads again after ``pauseReading()``.
  public final func resumeReading() {
    guard !isClosing, progress.contains(.paused) else { return }
    loop.checkThread()
    progress.remove(.paused)
    if handlers != nil { startReading() }
  }

  /// Whether ``pauseReading()`` is in force.
  public final var isReadingPaused: Bool { progress.contains(.paused) }

  /// Whether the peer has ended its stream.
  public final var endReceived: Bool { progress.contains(.endReceived) }

  private final func startReading() {
    guard progress.isDisjoint(with: [.reading, .paused, .endReceived]) else { return }
    let status = unsafe uv_read_start(
      cuv_stream(raw),
      { handle, _, buffer in unsafe EventLoop.lendReadBuffer(for: handle, in: buffer) },
      { stream, count, _ in
        guard let stream = unsafe stream else { return }
        unsafe StreamConnection.of(stream).didRead(count)
      })
    guard status == 0 else { return fail(status, .read) }
    progress.insert(.reading)
  }

  private final func stopReading() {
    guard progress.contains(.reading) else { return }
    progress.remove(.reading)
    unsafe uv_read_stop(cuv_stream(raw))
  }

  private final func didRead(_ count: Int) {
    guard count != 0, !isClosing else { return }  // 0 is EAGAIN
    if count > 0 {
      bytesRead &+= UInt64(count)
      guard !progress.contains(.lingering), let onData = handlers?.onData else { return }
      loop.dispatch {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count])
        unsafe onData(self, bytes.bytes)
      }
    } else if count == Int(UV_EOF.rawValue) {
      didReceiveEnd()
    } else if progress.contains(.lingering) {
      close()
    } else {
      fail(Int32(truncatingIfNeeded: count), .read)
    }
  }

  private final func didReceiveEnd() {
    // A reset that came together with data looks like an end to libuv, which does not read again:
    // the system still knows better (seen with 1.44).
    if let descriptor = try? descriptor(), let error = SocketOption.error.value(on: descriptor),
      error != 0
    {
      return progress.contains(.lingering) ? close() : fail(-Int32(clamping: error), .read)
    }
    progress.insert(.endReceived)
    stopReading()
    if progress.contains(.lingering) {
      closeWhenBothEndsAreDone()
    } else if let onEnd = handlers?.onEnd {
      loop.dispatch { onEnd(self) }
    } else {
      loop.dispatch { closeGracefully() }
    }
  }
}

// MARK: - Writing

extension StreamConnection {
  /// Bytes that the kernel has not taken yet; after a close, those that it never took.
  public final var pendingBytes: Int {
    if isClosing { return unsentAtClose }
    let collected = queue.collected?.count ?? 0
    guard queue.inFlight != nil else { return collected }
    return unsafe collected + uv_stream_get_write_queue_size(cuv_stream(raw))
  }

  /// Bytes that the kernel has taken so far.
  public final var bytesWritten: UInt64 { queue.accepted - UInt64(pendingBytes) }

  /// Whether the program should go on writing: false from the high-water mark down to the low one,
  /// and after ``shutdown()`` or a close.
  public final var isWritable: Bool {
    !isClosing && progress.isDisjoint(with: [.aboveHighWater, .shutdownAsked])
  }

  /// Sends bytes, with all else that the running callback writes.
  ///
  /// - Parameters:
  ///   - bytes: What to send; copied before the call returns.
  ///   - completion: Called when the kernel has taken the bytes, or with the error that kept it
  ///     from that; never by this call itself.
  /// - Throws: ``UVError/Code/noBufferSpace`` over the hard limits,
  ///   ``UVError/Code/brokenPipe`` after ``shutdown()``, ``UVError/Code/badDescriptor`` after a
  ///   close. Nothing is queued then, and the completion is not called.
  public final func write(
    _ bytes: RawSpan, completion: ((Result<Void, UVError>) -> Void)? = nil
  ) throws(UVError) {
    try unsafe bytes.withUnsafeBytes { bytes throws(UVError) in
      try unsafe enqueue(bytes, completion)
    }
  }

  /// Sends bytes; see ``write(_:completion:)-(RawSpan,_)``.
  ///
  /// - Parameters:
  ///   - bytes: What to send.
  ///   - completion: Called when the kernel has taken the bytes, or with an error.
  /// - Throws: As ``write(_:completion:)-(RawSpan,_)`` does.
  public final func write(
    _ bytes: [UInt8], completion: ((Result<Void, UVError>) -> Void)? = nil
  ) throws(UVError) {
    try unsafe write(bytes.span.bytes, completion: completion)
  }

  /// Sends a constant text; see ``write(_:completion:)-(RawSpan,_)``.
  ///
  /// - Parameters:
  ///   - text: What to send, as UTF-8.
  ///   - completion: Called when the kernel has taken the bytes, or with an error.
  /// - Throws: As ``write(_:completion:)-(RawSpan,_)`` does.
  public final func write(
    _ text: StaticString, completion: ((Result<Void, UVError>) -> Void)? = nil
  ) throws(UVError) {
    let result: Result<Void, UVError> = text.withUTF8Buffer { bytes in
      do throws(UVError) {
        try unsafe enqueue(UnsafeRawBufferPointer(bytes), completion)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  private final func enqueue(
    _ bytes: UnsafeRawBufferPointer, _ completion: ((Result<Void, UVError>) -> Void)?
  ) throws(UVError) {
    loop.checkThread()
    guard !isClosing else { throw UVError(.badDescriptor, during: .write) }
    guard !progress.contains(.shutdownAsked) else { throw UVError(.brokenPipe, during: .write) }
    let pending = pendingBytes
    let limits = limits.value
    guard bytes.count <= limits.maximumPendingBytes - pending,
      completion == nil || queue.pendingCompletions < limits.maximumPendingCompletions
    else { throw UVError(.noBufferSpace, during: .write) }
    unsafe queue.append(bytes, pool: loop.writeBuffers, completion: completion)
    if pending + bytes.count > limits.highWaterMark { progress.insert(.aboveHighWater) }
    askForFlush()
  }

  private final func askForFlush() {
    guard !progress.contains(.needsFlush) else { return }
    progress.insert(.needsFlush)
    loop.needsFlush(self)
  }

  /// Offers the collected bytes to the kernel; called by the loop when a callback has returned.
  final func flush() {
    progress.remove(.needsFlush)
    guard !isClosing else { return }
    if queue.inFlight == nil, let buffer = queue.collected {
      guard let taken = tryWrite(buffer) else { return }
      if let rest = queue.sent(taken, pool: loop.writeBuffers) {
        guard submit(rest, from: taken) else { return }
      }
    }
    settle()
  }

  /// Writes what fits now, without queueing: the number of bytes, or `nil` after a failure.
  private final func tryWrite(_ buffer: WriteBuffer) -> Int? {
    var range = unsafe uv_buf_t(
      base: buffer.start.assumingMemoryBound(to: CChar.self), len: buffer.count)
    let taken = unsafe uv_try_write(cuv_stream(raw), &range, 1)
    if taken >= 0 { return Int(taken) }
    if taken == UV_EAGAIN.rawValue { return 0 }
    fail(taken, .write)
    return nil
  }

  private final func submit(_ buffer: WriteBuffer, from start: Int) -> Bool {
    let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    var range = unsafe uv_buf_t(
      base: (buffer.start + start).assumingMemoryBound(to: CChar.self), len: buffer.count - start)
    let status = unsafe uv_write(request, cuv_stream(raw), &range, 1) { request, status in
      guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
      unsafe request.deallocate()
      unsafe StreamConnection.of(stream).didFinishWrite(status)
    }
    if status != 0 {
      unsafe request.deallocate()
      queue.finishInFlight(pool: loop.writeBuffers)
      fail(status, .write)
    }
    return status == 0
  }

  private final func didFinishWrite(_ status: Int32) {
    queue.finishInFlight(pool: loop.writeBuffers)
    guard !isClosing else { return }  // didClose tells those who wait
    guard status == 0 else { return fail(status, .write) }
    if queue.collected != nil { askForFlush() }
    loop.dispatch { settle() }
  }

  /// Tells who waits for bytes to be gone, and goes on to what had to wait for it.
  private final func settle() {
    while !isClosing, let completion = queue.nextFinished() { completion(.success(())) }
    guard !isClosing else { return }
    if progress.contains(.aboveHighWater), pendingBytes <= limits.value.lowWaterMark {
      progress.remove(.aboveHighWater)
      if isWritable { handlers?.onDrain?(self) }
    }
    beginShutdownWhenFlushed()
  }
}

// MARK: - Ending

extension StreamConnection {
  /// Ends this side's stream once all that was written has been sent; the peer may go on sending.
  ///
  /// Calling it again does nothing.
  public final func shutdown() {
    loop.checkThread()
    guard !isClosing, !progress.contains(.shutdownAsked) else { return }
    progress.insert(.shutdownAsked)
    // By way of the flush, so that nothing is called back by this call.
    askForFlush()
  }

  /// Sends what was written, ends the stream, waits for the peer's end, and closes.
  ///
  /// Input is thrown away from now on: closing a socket with unread input would make the system
  /// reset the connection and could destroy what is still on its way.
  ///
  /// - Parameter deadline: How long the peer may take, to read what is still unsent and to end its
  ///   own stream; then the connection is closed as it is, and what was not sent is lost.
  public final func closeGracefully(within deadline: Duration = .seconds(5)) {
    loop.checkThread()
    guard !isClosing, !progress.contains(.lingering) else { return }
    if reason == nil { reason = endReceived ? .peer : .local }
    progress.insert(.lingering)
    progress.remove(.paused)
    startReading()
    guard !isClosing else { return }
    lingerTimer = LoopTimer.after(deadline, on: loop) { [weak self] _ in self?.close() }
    if progress.contains(.shutdownAsked) {
      closeWhenBothEndsAreDone()
    } else {
      shutdown()
    }
  }

  private final func beginShutdownWhenFlushed() {
    guard progress.contains(.shutdownAsked), !progress.contains(.shutdownBegun),
      queue.unfinished == 0
    else { return }
    progress.insert(.shutdownBegun)
    // With both streams ended a close says the same as a shutdown and a close.
    if progress.isSuperset(of: [.lingering, .endReceived]) { return close() }
    let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
    let status = unsafe uv_shutdown(request, cuv_stream(raw)) { request, status in
      guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
      unsafe request.deallocate()
      unsafe StreamConnection.of(stream).didShutDown(status)
    }
    if status != 0 {
      unsafe request.deallocate()
      fail(status, .shutdown)
    }
  }

  private final func didShutDown(_ status: Int32) {
    guard !isClosing else { return }
    guard status == 0 else { return fail(status, .shutdown) }
    progress.insert(.shutdownDone)
    closeWhenBothEndsAreDone()
  }

  private final func closeWhenBothEndsAreDone() {
    if progress.isSuperset(of: [.lingering, .shutdownDone, .endReceived]) { close() }
  }
}
