internal import CLibUV

extension StreamConnection {
  /// Bytes that the kernel has not taken yet; after a close, those that it never took.
  public final var pendingBytes: Int {
    isClosing ? unsentAtClose : unsent
  }

  /// Bytes of an open connection that the kernel has not taken yet.
  @inline(__always)
  private final var unsent: Int {
    let collected = unsafe queue.collected.count
    return unsafe queue.hasBacklog ? collected + unsentInFlight : collected
  }

  private final var unsentInFlight: Int {
    unsafe queue.isInFlight ? uv_stream_get_write_queue_size(cuv_stream(raw)) : 0
  }

  /// Bytes that the kernel has taken so far.
  public final var bytesWritten: UInt64 { unsafe queue.accepted - UInt64(pendingBytes) }

  /// Whether the program should go on writing: false from the high-water mark down to the low one,
  /// and after ``shutdown()`` or a close.
  public final var isWritable: Bool {
    !isClosing && progress.isDisjoint(with: [.aboveHighWater, .shutdownAsked])
  }

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
  /// - Throws: ``UVError/Code/noBufferSpace`` over the hard limits,
  ///   ``UVError/Code/brokenPipe`` after ``shutdown()``, ``UVError/Code/badDescriptor`` after a
  ///   close. Nothing is queued then, and the completion is not called.
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

  @inline(__always)
  private final func enqueue(
    _ bytes: UnsafeRawBufferPointer, _ completion: ((Result<Void, UVError>) -> Void)?
  ) throws(UVError) {
    loop.checkThread()
    let pending = unsent
    guard !isClosing, !progress.contains(.shutdownAsked),
      bytes.count <= limits.value.maximumPendingBytes - pending
    else { throw refusal }
    if completion != nil { try checkCompletions() }
    unsafe queue.append(bytes, pool: &loop.writeBuffers)
    if let completion { unsafe queue.append(completion) }
    if pending + bytes.count > limits.value.highWaterMark { progress.insert(.aboveHighWater) }
    askForFlush()
  }

  /// Why a write is refused.
  private final var refusal: UVError {
    let code: UVError.Code =
      isClosing
      ? .badDescriptor : progress.contains(.shutdownAsked) ? .brokenPipe : .noBufferSpace
    return UVError(code, during: .write)
  }

  private final func checkCompletions() throws(UVError) {
    guard unsafe queue.pendingCompletions < limits.value.maximumPendingCompletions else {
      throw UVError(.noBufferSpace, during: .write)
    }
  }

  @inline(__always)
  final func askForFlush() {
    guard !progress.contains(.needsFlush) else { return }
    progress.insert(.needsFlush)
    loop.needsFlush(self)
  }

  /// Offers the collected bytes to the kernel; called by the loop when a callback has returned.
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

  /// Writes what fits now, without queueing: the number of bytes, or `nil` after a failure.
  @inline(__always)
  private final func tryWrite(_ bytes: UnsafeMutableRawBufferPointer) -> Int? {
    var range = unsafe uv_buf_t(bytes)
    let taken = unsafe uv_try_write(cuv_stream(raw), &range, 1)
    if taken >= 0 { return Int(taken) }
    if taken == UV_EAGAIN.rawValue { return 0 }
    fail(taken, .write)
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
      unsafe queue.finishInFlight(pool: &loop.writeBuffers)
      fail(status, .write)
    }
    return status == 0
  }

  private final func didFinishWrite(_ status: Int32) {
    unsafe queue.finishInFlight(pool: &loop.writeBuffers)
    guard !isClosing else { return }  // didClose tells those who wait
    guard status == 0 else { return fail(status, .write) }
    if unsafe !queue.collected.isEmpty { askForFlush() }
    loop.dispatch { settle() }
  }

  /// Tells who waits for bytes to be gone, and goes on to what had to wait for it.
  @inline(__always)
  private final func settle() {
    // Nobody waits and nothing is held back after most writes.
    if unsafe queue.hasBacklog || !progress.isDisjoint(with: [.aboveHighWater, .shutdownAsked]) {
      settleWhatWaits()
    }
  }

  private final func settleWhatWaits() {
    while !isClosing, let completion = unsafe queue.nextFinished() { completion(.success(())) }
    guard !isClosing else { return }
    if progress.contains(.aboveHighWater), pendingBytes <= limits.value.lowWaterMark {
      progress.remove(.aboveHighWater)
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
