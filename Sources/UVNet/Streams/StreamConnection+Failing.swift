internal import CLibUV

/// How a failing connection is noticed, and which reason it is closed for.
///
/// Each way to end has one reason, whichever operation notices it first: a peer that has ended its
/// stream and is gone is ``CloseReason/peer``, and one that resets the connection before its end,
/// or after its end was delivered, is ``UVError/Code/connectionReset``. The system's EPIPE and
/// ENOTCONN can mean either, so the socket's pending error decides.
extension StreamConnection {
  final func fail(_ status: Int32, _ operation: UVError.Operation) {
    guard !isClosing else { return }
    reason = .failed(UVError(status, operation))
    close()
  }

  /// Writing or ending the stream has failed.
  final func didFailOutput(_ status: Int32, _ operation: UVError.Operation) {
    guard !isClosing else { return }
    guard status == UV_EPIPE.rawValue || status == UV_ENOTCONN.rawValue else {
      return fail(status, operation)
    }
    // The system gives this only after the peer's end and then its reset, or after a reset that it
    // has already reported.
    if let error = pendingError, error != UV_EPIPE.rawValue { return fail(error, operation) }
    if progress.contains(.endReceived) { return fail(UV_ECONNRESET.rawValue, operation) }
    if progress.contains(.lingering) { return close() }
    progress.insert(.broken)
    // What the peer sent before its end is still to be read, and then the end.
    if !progress.contains(.reading) { closeAfterPeer() }
  }

  /// Checks a connection that is not read from, because the system reports an event on it.
  final func lookAtFailure(hungUp: Bool) {
    guard !isClosing else { return }
    if let error = pendingError {
      if error != UV_EPIPE.rawValue { return fail(error, .read) }
      if progress.contains(.endReceived) { return fail(UV_ECONNRESET.rawValue, .read) }
      return closeAfterPeer()
    }
    if hungUp, isGoneWhenHungUp { return fail(UV_ECONNRESET.rawValue, .read) }
    // Otherwise both streams have ended in order, which the program knows or sees when it reads
    // again.
    if progress.contains(.broken) { closeAfterPeer() }
  }

  private final func closeAfterPeer() {
    if reason == nil { reason = .peer }
    close()
  }

  /// The error that the system has for the connection, as libuv numbers it; asking takes it away.
  final var pendingError: Int32? {
    guard let descriptor = try? descriptor(),
      let error = SocketOption.error.value(on: descriptor), error != 0
    else { return nil }
    return -Int32(clamping: error)
  }
}

// MARK: - While nothing is read

extension StreamConnection {
  /// Has the loop check the connection once a second, while nothing is read from it.
  final func watchWhileQuiet() {
    guard !isClosing, progress.isDisjoint(with: [.reading, .watched]) else { return }
    progress.insert(.watched)
    loop.watchQuietConnection(keepingLoopAlive: keepsLoopAlive)
  }

  final func unwatch() {
    guard progress.contains(.watched) else { return }
    progress.remove(.watched)
    loop.unwatchQuietConnection(keepingLoopAlive: keepsLoopAlive)
  }
}
