internal import CLibUV

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
    if unsafe handlers != nil { startReading() }
  }

  /// Whether ``pauseReading()`` is in force.
  public final var isReadingPaused: Bool { progress.contains(.paused) }

  /// Whether the peer has ended its stream.
  public final var endReceived: Bool { progress.contains(.endReceived) }

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
  }

  private final func stopReading() {
    guard progress.contains(.reading) else { return }
    progress.remove(.reading)
    unsafe uv_read_stop(cuv_stream(raw))
  }

  private final func didRead(_ count: Int) {
    guard count != 0, !isClosing else { return }  // 0 is EAGAIN
    if count > 0 {
      received &+= UInt64(count)
      unsafe loop.lastReader = UnsafeMutableRawPointer(raw)
      guard !progress.contains(.lingering), let handlers = unsafe handlers else { return }
      let bytes = unsafe UnsafeRawBufferPointer(start: loop.readBuffer.baseAddress, count: count)
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
    // A reset that came together with data looks like an end to libuv, which does not read again:
    // the system still knows better (seen with 1.44). Then nobody else has read in between.
    if unsafe loop.lastReader == UnsafeMutableRawPointer(raw), let descriptor = try? descriptor(),
      let error = SocketOption.error.value(on: descriptor), error != 0
    {
      return progress.contains(.lingering) ? close() : fail(-Int32(clamping: error), .read)
    }
    progress.insert(.endReceived)
    stopReading()
    if progress.contains(.lingering) {
      closeWhenBothEndsAreDone()
    } else if let onEnd = unsafe handlers?.takeUnretainedValue().onEnd {
      loop.dispatch { onEnd(self) }
    } else {
      loop.dispatch { closeGracefully() }
    }
  }
}
