internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A listening socket: what listeners of every kind have in common.
///
/// It accepts connections itself, and has libuv watch the socket only. libuv's own accepting
/// depends on its version: before 1.45 it retries a failing accept without end; since then it
/// retries once a turn, and does not report the error.
@safe public class StreamListener: Handle {
  final let socket: Int32
  private final var isPaused = false
  private final var rest: LoopTimer?

  /// Connections that are accepted in one turn at most, so that everything else gets its turn.
  private static let acceptsPerTurn = 32
  /// Connections that are accepted at most before ``closeAfterAccepting()`` closes: a full queue of Linux's
  /// default size.
  private static let acceptsAtTheEnd = 4_096
  private static let restDuration = Duration.milliseconds(100)

  /// Watches a socket that is listening, and that belongs to the listener from now on.
  ///
  /// - Throws: The system's error; the socket still belongs to the caller then.
  init(socket: Int32, on loop: EventLoop) throws(UVError) {
    self.socket = socket
    try unsafe super.init(UV_POLL, on: loop) { loop, raw in
      unsafe uv_poll_init(loop, cuv_poll(raw), socket)
    }
    watchSocket()
  }

  /// Accepts the next connection: its socket, or -1 with `errno`.
  func accept() -> Int32 { cuv_accept(socket, nil, nil) }

  /// A connection has come: `descriptor` is its socket, which does not block, and belongs to the
  /// callee.
  func didAccept(_ descriptor: Int32) { closeDescriptor(descriptor) }

  /// Accepting a connection has failed.
  func didFail(_ error: UVError) {}

  /// Leaves new connections with the system, which holds as many as the backlog says.
  public final func pauseAccepting() {
    loop.checkThread()
    guard !isClosing, !isPaused else { return }
    isPaused = true
    watchSocket()
  }

  /// Accepts again, those that have waited first, on a later turn of the loop.
  public final func resumeAccepting() {
    loop.checkThread()
    guard !isClosing, isPaused else { return }
    isPaused = false
    watchSocket()
  }

  /// Accepts the connections that wait, at most 4096, on the next turn of the loop, and then closes.
  ///
  /// ``Handle/close()`` resets a connection whose peer takes it for established but that the program has not
  /// been given yet. A listener that was paused accepts for this as well. After a close it does nothing.
  public final func closeAfterAccepting() {
    loop.checkThread()
    guard !isClosing else { return }
    loop.nextTick { [self] in
      isPaused = false
      rest?.cancel()
      rest = nil
      acceptWaiting(atMost: Self.acceptsAtTheEnd)
      close()
    }
  }

  private final func watchSocket() {
    // While it rests it watches for urgent data, which a listening socket never has. So no event
    // comes, and the listener keeps the loop alive as before.
    let isResting = isPaused || rest != nil
    let events = isResting ? UV_PRIORITIZED : UV_READABLE
    // It fails only where another handle of the loop watches the socket; uv_poll_init has refused
    // that.
    _ = unsafe uv_poll_start(cuv_poll(raw), Int32(events.rawValue)) { poll, _, _ in
      guard let poll = unsafe poll else { return }
      unsafe Handle.of(
        UnsafeMutableRawPointer(poll).assumingMemoryBound(to: uv_handle_t.self),
        as: StreamListener.self
      ).acceptWaiting(atMost: StreamListener.acceptsPerTurn)
    }
  }

  private final func acceptWaiting(atMost most: Int) {
    for _ in 0..<most {
      guard !isClosing, !isPaused, rest == nil else { return }
      let descriptor = accept()
      if descriptor >= 0 {
        loop.dispatch { didAccept(descriptor) }
        continue
      }
      switch errno {
      case EAGAIN, EWOULDBLOCK: return
      // The connection that was next is gone; others may wait (accept(2), "Error handling").
      case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH: continue
      case let error:
        beginRest()
        loop.dispatch { didFail(UVError(-error, .accept)) }
      }
    }
  }

  /// Leaves the socket alone for a moment after accepting has failed.
  ///
  /// The connection still waits, and so the socket would wake the loop at once: a machine that is
  /// out of descriptors or memory would do nothing but fail.
  private final func beginRest() {
    let timer = LoopTimer.after(Self.restDuration, on: loop) { [weak self] _ in
      guard let self, !isClosing else { return }
      rest = nil
      watchSocket()
    }
    timer.keepsLoopAlive = false
    rest = timer
    watchSocket()
  }

  override func willClose() {
    rest?.cancel()
    rest = nil
    // Before the close, so that a peer that connects now is refused and does not wait in vain.
    unsafe uv_poll_stop(cuv_poll(raw))
    closeDescriptor(socket)
  }
}
