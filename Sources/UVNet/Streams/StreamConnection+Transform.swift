/// Installing a transform, the functions that it calls, and those that call it.
extension StreamConnection {
  /// Has a transform stand between the socket and the program from now on, and begins its handshake.
  ///
  /// Legal only while no written bytes are unsent, most often on a connection that was not started.
  /// Until the handshake is over, a write is refused, and nothing is delivered.
  ///
  /// - Parameters:
  ///   - transform: The transform; it belongs to this connection alone.
  ///   - timeout: How long the handshake may take; `nil` for ever.
  ///   - completion: Called once and never by this call itself: when the handshake is over, or with
  ///     the reason why the connection was closed before, after its close.
  package final func begin(
    _ transform: any StreamTransform, within timeout: Duration?,
    completion: @escaping (Result<Void, UVError>) -> Void
  ) {
    loop.checkThread()
    guard !isClosing, !progress.contains(.transformed) else {
      let error = UVError(isClosing ? .badDescriptor : .busy, during: .handshake)
      return loop.nextTick { completion(.failure(error)) }
    }
    let slot = TransformSlot(transform)
    slot.completion = completion
    rare.transform = slot
    progress.insert(.transformed)
    if let timeout {
      slot.timer = LoopTimer.after(timeout, on: loop) { [weak self] _ in
        self?.fail(with: UVError(.timedOut, during: .handshake))
      }
    }
    loop.nextTick { [self] in
      guard !isClosing else { return }
      transform.begin(on: self)
      if progress.contains(.hasUnread), !isClosing {
        unsafe takeUnread().withUnsafeBytes { unsafe self.transform($0) }
      }
      if !isClosing, !slot.isReady { startReading() }
    }
  }

  /// The transform that stands between the socket and the program; `nil` for none, and after the
  /// close.
  package final var installedTransform: (any StreamTransform)? {
    existingRare?.transform?.transform
  }

  // MARK: By the transform

  /// Whether what was decoded should be delivered now.
  package final var wantsBytes: Bool {
    guard !isClosing, progress.isDisjoint(with: [.paused, .lingering, .endReceived]) else {
      return false
    }
    return unsafe handlers != nil && existingRare?.transform?.isOpen == true
  }

  /// Calls `onData`, if ``wantsBytes``; otherwise the bytes are lost.
  package final func deliver(_ bytes: RawSpan) {
    guard wantsBytes, let handlers = unsafe handlers else { return }
    // The transform runs in a callback, after which all that was written is sent.
    unsafe handlers._withUnsafeGuaranteedRef { $0.onData(self, bytes) }
  }

  /// Sends bytes to the peer.
  ///
  /// Those that no write of the program has asked for count against the connection's limits: a peer
  /// that provokes them and does not read them loses the connection.
  package final func send(_ bytes: RawSpan) {
    guard !isClosing, !progress.contains(.broken), let slot = existingRare?.transform else {
      return
    }
    let pending = unsent
    if !slot.isWriting, bytes.byteCount > limits.value.maximumPendingBytes - pending {
      return fail(
        with: UVError(
          .noBufferSpace, during: .write, domain: .library,
          detail: "the connection's writeLimits.maximumPendingBytes leaves no room for a reply"))
    }
    unsafe bytes.withUnsafeBytes { unsafe collect($0, pending: pending) }
  }

  /// The handshake is over.
  package final func transformIsReady() {
    guard !isClosing, let slot = existingRare?.transform, !slot.isReady else { return }
    slot.isReady = true
    slot.timer?.cancel()
    slot.timer = nil
    if !progress.contains(.lingering) {
      stopReading()
      watchWhileQuiet()
    }
    // On a later turn: the transform may be in the middle of what it received.
    loop.nextTick { [self] in
      guard !isClosing, let completion = slot.completion.take() ?? nil else { return }
      slot.isOpen = true
      completion(.success(()))
      if wantsBytes { resumeTransform() }
    }
  }

  /// The peer has ended its stream in good order.
  package final func deliverEnd() {
    guard !isClosing, !progress.contains(.endReceived) else { return }
    streamEnded()
  }

  /// Closes the connection, and offers what was sent to the kernel first.
  package final func fail(with error: UVError) {
    guard !isClosing else { return }
    reason = .failed(error)
    close()
  }

  // MARK: To the transform

  /// Bytes came that go through a transform, or are thrown away.
  @inline(never)
  final func transform(_ bytes: UnsafeRawBufferPointer) {
    guard !progress.contains(.lingering), let slot = existingRare?.transform else { return }
    loop.dispatch { slot.transform.receive(unsafe bytes.bytes, on: self) }
    if bytes.count == EventLoop.readBufferSize { giveOthersTheirTurn(slot) }
  }

  /// Reads on with the next turn: libuv reads again and again while its buffer is filled.
  ///
  /// Without a transform the program sees that a read was full; what a transform delivers does not tell.
  private final func giveOthersTheirTurn(_ slot: TransformSlot) {
    guard !isClosing, progress.contains(.reading) else { return }
    stopReading()
    loop.nextTick { [self] in
      guard !isClosing, !slot.isReady || wantsBytes else { return }
      startReading()
    }
  }

  /// Has the transform deliver what it holds back, on a later turn, and then reads on.
  final func resumeTransform() {
    guard let slot = existingRare?.transform, !slot.isResuming else { return }
    guard slot.isReady else { return startReading() }
    // The handshake is completed on the next turn, which resumes.
    guard slot.isOpen else { return }
    slot.isResuming = true
    loop.nextTick { [self] in
      slot.isResuming = false
      if wantsBytes { slot.transform.resume(on: self) }
      if wantsBytes { startReading() }
    }
  }

  final func transformSocketEnd() {
    stopReading()
    guard let slot = existingRare?.transform else { return }
    loop.dispatch { slot.transform.receiveSocketEnd(on: self) }
    // The transform may have neither delivered an end nor failed.
    if !isClosing, !progress.contains(.endReceived) { streamEnded() }
  }

  final func write(_ bytes: RawSpan, by slot: TransformSlot?) throws(UVError) {
    guard let slot, slot.isReady else {
      throw UVError(
        .notConnected, during: .write, domain: .library, detail: "the handshake is not over")
    }
    slot.isWriting = true
    defer { slot.isWriting = false }
    try slot.transform.write(bytes, on: self)
  }

  /// Ends the program's stream, unless it has been ended.
  final func endTransform() {
    guard let slot = existingRare?.transform, slot.isReady, !slot.hasEnded,
      progress.isDisjoint(with: [.withoutLastOffer, .broken, .writeFailed, .shutdownAsked]),
      failure == nil
    else { return }
    slot.hasEnded = true
    slot.isWriting = true
    slot.transform.end(on: self)
    slot.isWriting = false
  }

  // MARK: After a transform

  /// Takes the transform away, whose handshake was all that it is for.
  ///
  /// - Parameter unread: What it was given that belongs to whoever starts the connection, or to the
  ///   next transform.
  final func removeTransform(unread: [UInt8]) {
    guard !isClosing else { return }
    rare.transform = nil
    progress.remove(.transformed)
    guard !unread.isEmpty else { return }
    rare.unread = unread
    progress.insert(.hasUnread)
  }

  private final func takeUnread() -> [UInt8] {
    progress.remove(.hasUnread)
    defer { rare.unread = [] }
    return rare.unread
  }

  /// Delivers on a later turn what a header has left, and then reads on.
  final func resumeUnread() {
    loop.nextTick { [self] in
      guard !isClosing, progress.isDisjoint(with: [.paused, .lingering]),
        let handlers = unsafe handlers
      else { return }
      if progress.contains(.hasUnread) {
        let bytes = takeUnread()
        unsafe handlers._withUnsafeGuaranteedRef { $0.onData(self, unsafe bytes.span.bytes) }
      }
      if !isClosing { beginReading() }
    }
  }

  /// Fails a handshake that is not over, because the connection is closed.
  final func dropTransform() {
    guard let slot = existingRare?.transform else { return }
    rare.transform = nil
    guard let completion = slot.completion.take() ?? nil else { return }
    completion(.failure(failure ?? UVError(.canceled, during: .handshake)))
  }
}
