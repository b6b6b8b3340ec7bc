internal import CLibUV

extension StreamConnection {
  /// Stops reading, so that the peer is slowed down by TCP's flow control.
  ///
  /// While reading is paused the peer's end is not noticed. A reset, or a connection that the system
  /// has given up, is noticed at once while something is being written, and within a second or so
  /// otherwise; the connection then fails, and what was not read is lost.
  public final func pauseReading() {
    guard !isClosing, !progress.contains(.lingering) else { return }
    loop.checkThread()
    progress.insert(.paused)
    stopReading()
    watchWhileQuiet()
  }

  /// Reads again after ``pauseReading()``.
  public final func resumeReading() {
    guard !isClosing, progress.contains(.paused) else { return }
    loop.checkThread()
    progress.remove(.paused)
    if unsafe handlers != nil { beginReading() }
  }

  /// Whether ``pauseReading()`` is in force.
  public final var isReadingPaused: Bool { progress.contains(.paused) }

  /// Whether the peer has ended its stream.
  ///
  /// Nothing is read any more then: if the peer resets the connection after its end, that is noticed
  /// like a reset while reading is paused.
  public final var endReceived: Bool { progress.contains(.endReceived) }

  /// Begins to read for the program, what a transform holds back or a header has left first.
  final func beginReading() {
    guard !progress.isDisjoint(with: [.transformed, .hasUnread]) else { return startReading() }
    if progress.contains(.transformed) { resumeTransform() } else { resumeUnread() }
  }

  final func startReading() {
    guard progress.isDisjoint(with: [.reading, .paused, .endReceived]) else { return }
    let status = unsafe uv_read_start(
      cuv_stream(raw),
      { handle, _, buffer in unsafe EventLoop.lendReadBuffer(for: handle, in: buffer) },
      { stream, count, _ in
        guard let stream = unsafe stream else { return }
        unsafe StreamConnection.with(stream) { $0.didRead(count) }
      })
    guard status == 0 else { return fail(status, .read) }
    progress.insert(.reading)
    unwatch()
  }

  final func stopReading() {
    guard progress.contains(.reading) else { return }
    progress.remove(.reading)
    unsafe uv_read_stop(cuv_stream(raw))
  }

  private final func didRead(_ count: Int) {
    guard count != 0, !isClosing else { return }  // 0 is EAGAIN
    if count > 0 {
      received &+= UInt64(count)
      unsafe loop.lastReader = UnsafeMutableRawPointer(raw)
      let bytes = unsafe UnsafeRawBufferPointer(start: loop.readBuffer.baseAddress, count: count)
      guard progress.isDisjoint(with: [.lingering, .transformed]), let handlers = unsafe handlers
      else { return unsafe transform(bytes) }
      loop.dispatch {
        unsafe handlers._withUnsafeGuaranteedRef { $0.onData(self, unsafe bytes.bytes) }
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
    // libuv reports a reset that came together with data as an end, and does not read again (seen
    // with 1.44), but the system still has the error. It can only be so if no other connection was
    // read in between.
    if unsafe loop.lastReader == UnsafeMutableRawPointer(raw), let error = pendingError {
      if error != UV_EPIPE.rawValue {
        return progress.contains(.lingering) ? close() : fail(error, .read)
      }
      // EPIPE means a reset that came after the peer's end.
      progress.insert(.broken)
    }
    if progress.contains(.transformed), !progress.contains(.lingering) {
      return transformSocketEnd()
    }
    streamEnded()
  }

  /// The peer's stream has ended: its socket's, or what a transform reads in it.
  final func streamEnded() {
    progress.insert(.endReceived)
    stopReading()
    let isBroken = progress.contains(.broken)
    if progress.contains(.lingering) {
      return isBroken ? close() : closeWhenBothEndsAreDone()
    }
    if let onEnd = unsafe handlers?.takeUnretainedValue().onEnd {
      loop.dispatch { onEnd(self) }
    } else if !isBroken {
      loop.dispatch { closeGracefully() }
    }
    // The peer is gone, so nothing can be written.
    if isBroken { close() } else { watchWhileQuiet() }
  }
}
