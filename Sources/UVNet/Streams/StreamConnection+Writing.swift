internal import CLibUV

extension StreamConnection {
  /// Bytes that the kernel has not taken yet; after a close, those that it never took.
  public final var pendingBytes: Int {
    isClosing ? existingRare?.unsentAtClose ?? 0 : unsent
  }

  /// Bytes of an open connection that the kernel has not taken yet.
  @inline(__always)
  final var unsent: Int {
    let collected = unsafe queue.collected.count
    return unsafe queue.hasBacklog ? collected + unsentInFlight : collected
  }

  private final var unsentInFlight: Int {
    guard unsafe queue.isInFlight else { return 0 }
    // libuv does not tell how much of a write that has failed was sent.
    return unsafe progress.contains(.writeFailed)
      ? queue.inFlightCount : uv_stream_get_write_queue_size(cuv_stream(raw))
  }

  /// Bytes that the kernel has taken so far.
  public final var bytesWritten: UInt64 { unsafe queue.accepted - UInt64(pendingBytes) }

  /// Whether the program should continue to write now: false without ``canWrite``, and from the
  /// high-water mark until `onDrain`, at the low-water mark.
  public final var isWritable: Bool {
    !isClosing && progress.isDisjoint(with: [.aboveHighWater, .shutdownAsked, .broken])
  }

  /// Whether anything may be written at all; never true again once it was false.
  ///
  /// It turns false by ``shutdown()``, by a close, or when the peer is gone and only its end is still
  /// to be read.
  public final var canWrite: Bool { !isClosing && progress.isDisjoint(with: .cannotWrite) }

  /// Bytes that may still be written before ``isWritable`` turns false; none when it is false.
  public final var writableBytes: Int {
    isWritable ? max(0, limits.value.highWaterMark - unsent) : 0
  }

  /// Sends bytes, with all else that the running callback writes.
  ///
  /// - Parameters:
  ///   - bytes: What to send; copied before the call returns.
  ///   - completion: Called when the kernel has taken the bytes, or with the error that kept it
  ///     from that; never by this call itself.
  /// - Throws: ``UVError/Code/noBufferSpace`` over the hard limits, with the limit's name and
  ///   value; ``UVError/Code/brokenPipe`` after ``shutdown()``, or when the peer is gone and only
  ///   its end is still to be read; ``UVError/Code/badDescriptor`` after a close. In each case
  ///   nothing is queued, and the completion is not called.
  public final func write(
    _ bytes: RawSpan, completion: ((Result<Void, UVError>) -> Void)? = nil
  ) throws(UVError) {
    // The bytes outlive this call, in which they are copied.
    try unsafe enqueue(bytes.withUnsafeBytes { unsafe $0 }, completion)
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

  /// Sends a part of an array; see ``write(_:completion:)-(RawSpan,_)``.
  ///
  /// - Parameters:
  ///   - bytes: What to send.
  ///   - completion: Called when the kernel has taken the bytes, or with an error.
  /// - Throws: As ``write(_:completion:)-(RawSpan,_)`` does.
  public final func write(
    _ bytes: ArraySlice<UInt8>, completion: ((Result<Void, UVError>) -> Void)? = nil
  ) throws(UVError) {
    try unsafe write(bytes.span.bytes, completion: completion)
  }

  /// Sends a text; see ``write(_:completion:)-(RawSpan,_)``.
  ///
  /// - Parameters:
  ///   - text: What to send, as UTF-8.
  ///   - completion: Called when the kernel has taken the bytes, or with an error.
  /// - Throws: As ``write(_:completion:)-(RawSpan,_)`` does.
  public final func write(
    _ text: String, completion: ((Result<Void, UVError>) -> Void)? = nil
  ) throws(UVError) {
    var text = text
    let result: Result<Void, UVError> = text.withUTF8 { bytes in
      do throws(UVError) {
        try unsafe enqueue(UnsafeRawBufferPointer(bytes), completion)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  @inline(__always)
  private final func enqueue(
    _ bytes: UnsafeRawBufferPointer, _ completion: ((Result<Void, UVError>) -> Void)?
  ) throws(UVError) {
    loop.checkThread()
    let pending = unsent
    guard !isClosing, progress.isDisjoint(with: .notWrittenAsItIs),
      bytes.count <= limits.value.maximumPendingBytes - pending
    else { return try unsafe transform(bytes, pending: pending, completion) }
    if completion != nil { try checkCompletions() }
    unsafe collect(bytes, pending: pending)
    if let completion { unsafe queue.append(completion) }
  }

  /// Adds bytes to those that leave with the next flush.
  @inline(__always)
  final func collect(_ bytes: UnsafeRawBufferPointer, pending: Int) {
    unsafe queue.append(bytes, pool: &loop.writeBuffers)
    if pending + bytes.count > limits.value.highWaterMark { progress.insert(.aboveHighWater) }
    askForFlush()
  }

  /// Writes through the transform, or throws the reason why nothing can be written.
  @inline(never)
  private final func transform(
    _ bytes: UnsafeRawBufferPointer, pending: Int,
    _ completion: ((Result<Void, UVError>) -> Void)?
  ) throws(UVError) {
    guard !isClosing, progress.contains(.transformed), progress.isDisjoint(with: .cannotWrite),
      pending + bytes.count <= limits.value.maximumPendingBytes
    else { throw refusal }
    if completion != nil { try checkCompletions() }
    try unsafe write(bytes.bytes, by: existingRare?.transform)
    guard let completion else { return }
    unsafe queue.append(completion)
    // No bytes may become nothing to send.
    askForFlush()
  }

  /// Why a write is refused.
  private final var refusal: UVError {
    if isClosing { return UVError(.badDescriptor, during: .write) }
    guard progress.isDisjoint(with: .cannotWrite) else {
      return UVError(.brokenPipe, during: .write)
    }
    return overLimit("maximumPendingBytes", limits.value.maximumPendingBytes)
  }

  private final func checkCompletions() throws(UVError) {
    let limit = limits.value.maximumPendingCompletions
    guard unsafe queue.pendingCompletions < limit else {
      throw overLimit("maximumPendingCompletions", limit)
    }
  }

  /// The detail names the limit, because the system reports ENOBUFS too.
  private final func overLimit(_ name: String, _ value: Int) -> UVError {
    UVError(
      .noBufferSpace, during: .write, domain: .library,
      detail: "the connection's writeLimits.\(name) is \(value)")
  }

  @inline(__always)
  final func askForFlush() {
    guard !progress.contains(.needsFlush) else { return }
    progress.insert(.needsFlush)
    loop.needsFlush(self)
  }

  /// Offers the collected bytes to the kernel and calls completions; called by the loop when a
  /// callback has returned.
  @inline(__always)
  final func flush() {
    progress.remove(.needsFlush)
    guard !isClosing else { return }
    if unsafe !queue.collected.isEmpty && !queue.isInFlight {
      guard let taken = unsafe tryWrite(queue.collected.bytes) else { return }
      let rest = unsafe queue.sent(taken, pool: &loop.writeBuffers)
      guard unsafe rest.isEmpty || submit(rest) else { return }
    }
    settle()
  }

  /// Offers the collected bytes and calls no completion: the flush that is still to come does.
  final func offerWrites() {
    guard !isClosing, unsafe !queue.collected.isEmpty && !queue.isInFlight,
      let taken = unsafe tryWrite(queue.collected.bytes)
    else { return }
    let rest = unsafe queue.sent(taken, pool: &loop.writeBuffers)
    if unsafe !rest.isEmpty { _ = unsafe submit(rest) }
  }

  /// Offers the collected bytes for the last time, before a close: how many the kernel took.
  ///
  /// A failure of this write does not become the close's reason.
  final func lastOffer() -> Int {
    // Bytes that were flushed have gone to the kernel, or wait with libuv.
    guard progress.contains(.needsFlush),
      progress.isDisjoint(with: [.withoutLastOffer, .broken, .writeFailed]),
      unsafe !queue.collected.isEmpty && !queue.isInFlight
    else { return 0 }
    var range = unsafe uv_buf_t(queue.collected.bytes)
    return unsafe max(0, Int(uv_try_write(cuv_stream(raw), &range, 1)))
  }

  /// Writes what fits now, without queueing: the number of bytes, or `nil` after a failure.
  @inline(__always)
  private final func tryWrite(_ bytes: UnsafeMutableRawBufferPointer) -> Int? {
    var range = unsafe uv_buf_t(bytes)
    let taken = unsafe uv_try_write(cuv_stream(raw), &range, 1)
    if taken >= 0 { return Int(taken) }
    if taken == UV_EAGAIN.rawValue { return 0 }
    didFailOutput(taken, .write)
    return nil
  }

  private final func submit(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
    let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
    var range = unsafe uv_buf_t(bytes)
    let status = unsafe uv_write(request, cuv_stream(raw), &range, 1) { request, status in
      guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
      unsafe request.deallocate()
      unsafe StreamConnection.with(stream) { $0.didFinishWrite(status) }
    }
    if status != 0 {
      unsafe request.deallocate()
      progress.insert(.writeFailed)
      fail(status, .write)
    }
    return status == 0
  }

  private final func didFinishWrite(_ status: Int32) {
    guard !isClosing else {
      // didClose calls the completions.
      return unsafe queue.finishInFlight(pool: &loop.writeBuffers)
    }
    guard status == 0 else {
      progress.insert(.writeFailed)
      return didFailOutput(status, .write)
    }
    unsafe queue.finishInFlight(pool: &loop.writeBuffers)
    if unsafe !queue.collected.isEmpty { askForFlush() }
    loop.dispatch { settle() }
  }

  /// Calls the completions of bytes that were sent, then `onDrain`, and begins a shutdown that
  /// waited.
  @inline(__always)
  private final func settle() {
    // After most writes there is no completion to call, and nothing has waited.
    if unsafe queue.hasBacklog || !progress.isDisjoint(with: [.aboveHighWater, .shutdownAsked]) {
      settleWhatWaits()
    }
  }

  private final func settleWhatWaits() {
    // Only those that are there now: what they add, even for an empty span, waits for the next
    // turn.
    var count = unsafe queue.pendingCompletions
    while count > 0, !isClosing, let completion = unsafe queue.nextFinished() {
      completion(.success(()))
      count -= 1
    }
    guard !isClosing else { return }
    if progress.contains(.aboveHighWater), pendingBytes <= limits.value.lowWaterMark {
      progress.remove(.aboveHighWater)
      tasks?.didDrain()
      if isWritable { unsafe handlers?.takeUnretainedValue().onDrain?(self) }
    }
    beginShutdownWhenFlushed()
  }
}

extension uv_buf_t {
  fileprivate init(_ bytes: UnsafeMutableRawBufferPointer) {
    unsafe self.init(
      base: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: bytes.count)
  }
}
