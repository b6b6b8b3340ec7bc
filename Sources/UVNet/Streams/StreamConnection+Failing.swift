internal import CLibUV

/// How a connection that fails is found out, and what the failure is called.
///
/// Each way to end has one name, whatever meets it first: a peer that has ended its stream and is
/// gone is ``CloseReason/peer``, and one that resets the connection before its end, or after its end
/// was told, is ``UVError/Code/connectionReset``. The system's EPIPE and ENOTCONN, which say neither,
/// are looked into.
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
    // The system gives this only once it has the peer's end and then its reset, or has told of a
    // reset already.
    if let error = pendingError, error != UV_EPIPE.rawValue { return fail(error, operation) }
    if progress.contains(.endReceived) { return fail(UV_ECONNRESET.rawValue, operation) }
    if progress.contains(.lingering) { return close() }
    progress.insert(.broken)
    // What the peer sent before its end is still to be read, and then the end.
    if !progress.contains(.reading) { closeAfterPeer() }
  }

  /// The system says that there is news of a connection that nothing is read from.
  final func lookAtFailure(hungUp: Bool) {
    guard !isClosing else { return }
    if let error = pendingError {
      if error != UV_EPIPE.rawValue { return fail(error, .read) }
      if progress.contains(.endReceived) { return fail(UV_ECONNRESET.rawValue, .read) }
      return closeAfterPeer()
    }
    if hungUp, isGoneWhenHungUp { return fail(UV_ECONNRESET.rawValue, .read) }
    // Both streams have ended in good order, which the program knows or will hear when it reads on.
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
  /// Has the loop look at the connection now and then, if nothing is read from it.
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
