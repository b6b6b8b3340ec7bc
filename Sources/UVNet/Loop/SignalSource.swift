internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Calls back when the process receives a signal.
///
/// The callback runs on the loop, not in the signal handler, so it may do anything. While any
/// loop of the process watches a signal, its default action does not happen
/// (<https://docs.libuv.org/en/v1.x/signal.html>).
///
/// A signal that is watched is unblocked in the loop's thread. Some launchers start programs with signals
/// blocked, and such a signal would never be delivered.
public final class SignalSource: Handle {
  private var body: ((SignalSource) -> Void)?

  /// The signal's number, such as `SIGTERM`.
  public let signal: Int32

  private init(
    _ signal: Int32, loop: EventLoop, body: @escaping (SignalSource) -> Void
  ) throws(UVError) {
    self.signal = signal
    self.body = body
    try unsafe super.init(UV_SIGNAL, on: loop) { loop, raw in
      unsafe uv_signal_init(loop, cuv_signal(raw))
    }
  }

  /// Watches a signal.
  ///
  /// A signal source does not keep its loop alive unless ``Handle/keepsLoopAlive`` is set: a
  /// program that has nothing else to do should end.
  ///
  /// - Parameters:
  ///   - signal: The signal's number.
  ///   - loop: The loop to call back on.
  ///   - body: Called for each delivery; signals that come faster than the loop turns coalesce.
  /// - Returns: The source, watching.
  /// - Throws: ``UVError/Code/invalidArgument`` for a number that cannot be watched, such as
  ///   `SIGKILL`.
  @discardableResult
  public static func on(
    _ signal: Int32, on loop: EventLoop, _ body: @escaping (SignalSource) -> Void
  ) throws(UVError) -> SignalSource {
    let source = try SignalSource(signal, loop: loop, body: body)
    let status = unsafe uv_signal_start(
      cuv_signal(source.raw),
      { handle, _ in
        guard let handle = unsafe handle else { return }
        unsafe Handle.of(
          UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self),
          as: SignalSource.self
        ).fire()
      }, signal)
    guard status == 0 else {
      source.discard()
      throw UVError(status, .watchSignal)
    }
    source.keepsLoopAlive = false
    unblock(signal)
    return source
  }

  /// Unblocks a signal in this thread; the parent process may have blocked it.
  private static func unblock(_ signal: Int32) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, signal)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Whether the process ignores a signal, as one in the background of a shell ignores `SIGINT`, and
  /// one under nohup `SIGHUP`.
  ///
  /// A program should respect that. Ask before the signal is watched, because then it is not ignored any
  /// more.
  public static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
    #if canImport(Darwin)
      let handler = unsafe action.__sigaction_u.__sa_handler
    #else
      let handler = unsafe action.__sigaction_handler.sa_handler
    #endif
    return unsafe unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  private func fire() {
    guard !isClosing else { return }
    loop.dispatch { body?(self) }
  }

  override func didClose() { body = nil }

  override var debugName: String { "\(super.debugName) \(signal)" }
}
