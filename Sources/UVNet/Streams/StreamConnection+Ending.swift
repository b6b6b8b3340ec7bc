internal import CLibUV

extension StreamConnection {
  /// Closes the connection as ``Handle/close()`` does, for a reason that is given to `onClose`.
  ///
  /// - Parameter reason: Most often one of the program's own, of ``CloseReason/init(_:)``. A reason
  ///   that was set before, such as by a graceful close, stays.
  public final func close(_ reason: CloseReason) {
    loop.checkThread()
    guard !isClosing else { return }
    if self.reason == nil { self.reason = reason }
    close()
  }

  /// Whether the connection is closing gracefully: it still sends, and throws away what it reads.
  public final var isEnding: Bool { !isClosing && progress.contains(.lingering) }

  /// Ends this side's stream once all that was written has been sent; the peer may continue to
  /// send.
  ///
  /// Calling it again does nothing.
  public final func shutdown() {
    loop.checkThread()
    guard !isClosing, !progress.contains(.shutdownAsked) else { return }
    if progress.contains(.transformed) { endTransform() }
    progress.insert(.shutdownAsked)
    // By way of the flush, so that nothing is called back by this call.
    askForFlush()
  }

  /// Sends what was written, ends the stream, waits for the peer's end, and closes.
  ///
  /// Input is thrown away from now on: closing a socket with unread input would make the system
  /// reset the connection and could destroy what is still on its way.
  ///
  /// Calling it again may shorten the time, and does nothing else.
  ///
  /// - Parameter deadline: How long the peer may take, to read what is still unsent and to end its
  ///   own stream; then the connection is closed as it is, and what was not sent is lost.
  public final func closeGracefully(within deadline: Duration = .seconds(5)) {
    loop.checkThread()
    guard !isClosing else { return }
    guard !progress.contains(.lingering) else { return hasten(within: deadline) }
    if reason == nil { reason = endReceived ? .peer : .local }
    // With both streams done there is nothing to wait for.
    if endReceived, unsafe queue.unfinished == 0 && !queue.hasBacklog { return close() }
    progress.insert(.lingering)
    stopIdleWatch()
    progress.remove(.paused)
    startReading()
    guard !isClosing else { return }
    rare.lingerTimer = LoopTimer.after(deadline, on: loop) { [weak self] _ in self?.close() }
    if progress.contains(.shutdownAsked) {
      closeWhenBothEndsAreDone()
    } else {
      shutdown()
    }
  }

  /// Sends what was written, however long the peer takes to read it, and then closes as
  /// ``closeGracefully(within:)`` does.
  ///
  /// Until then the connection is read from as before. One that cannot be written to any more is
  /// closed at once. Of one that is closing gracefully already, only the time that the peer has once all was
  /// sent may become shorter.
  ///
  /// - Parameter deadline: How long the peer may take to end its own stream, once all was sent.
  public final func closeOnceSent(within deadline: Duration) {
    loop.checkThread()
    if isEnding {
      guard !progress.contains(.shutdownDone) else { return hasten(within: deadline) }
      rare.timeOnceSent = min(deadline, rare.timeOnceSent ?? deadline)
      return
    }
    do throws(UVError) {
      try write("") { [weak self] _ in self?.closeGracefully(within: deadline) }
    } catch {
      close()
    }
  }

  private final func hasten(within deadline: Duration) {
    let instant = loop.now.advanced(by: deadline)
    guard let lingerTimer = existingRare?.lingerTimer, instant.nanoseconds < lingerTimer.deadline
    else { return }
    lingerTimer.schedule(at: instant)
  }

  final func beginShutdownWhenFlushed() {
    guard progress.contains(.shutdownAsked), !progress.contains(.shutdownBegun),
      unsafe queue.unfinished == 0
    else { return }
    progress.insert(.shutdownBegun)
    // With both streams ended a close says the same as a shutdown and a close.
    if progress.isSuperset(of: [.lingering, .endReceived]) { return close() }
    let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
    let status = unsafe uv_shutdown(request, cuv_stream(raw)) { request, status in
      guard let request = unsafe request, let stream = unsafe request.pointee.handle else { return }
      unsafe request.deallocate()
      unsafe StreamConnection.with(stream) { $0.didShutDown(status) }
    }
    if status != 0 {
      unsafe request.deallocate()
      didFailOutput(status, .shutdown)
    }
  }

  private final func didShutDown(_ status: Int32) {
    guard !isClosing else { return }
    guard status == 0 else { return didFailOutput(status, .shutdown) }
    progress.insert(.shutdownDone)
    if let time = existingRare?.timeOnceSent { hasten(within: time) }
    closeWhenBothEndsAreDone()
  }

  final func closeWhenBothEndsAreDone() {
    if progress.isSuperset(of: [.lingering, .shutdownDone, .endReceived]) { close() }
  }
}
