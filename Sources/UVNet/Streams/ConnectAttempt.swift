/// A connection in the making, of whatever kind.
///
/// It can only be cancelled. Its result goes to the completion of the call that began it, with the
/// connection's own type.
public class ConnectAttempt {
  final let loop: EventLoop
  private final var timer: LoopTimer?
  /// Why it ended, where it was not the system that failed.
  private(set) final var verdict: UVError?
  private(set) final var isFinished = false

  init(on loop: EventLoop, timeout: Duration?) {
    self.loop = loop
    if let timeout {
      timer = LoopTimer.after(timeout, on: loop) { [weak self] _ in self?.giveUp(.timedOut) }
    }
  }

  /// Gives up.
  ///
  /// The completion gets ``UVError/Code/canceled`` on a later turn of the loop, unless it has been
  /// called already.
  public final func cancel() { giveUp(.canceled) }

  private final func giveUp(_ code: UVError.Code) {
    guard !isFinished, verdict == nil else { return }
    verdict = UVError(code, during: .connect)
    didGiveUp()
  }

  /// Ends the attempt, because ``verdict`` was set: `finish` must be called on a later turn.
  func didGiveUp() {}

  /// The attempt failed before the system could be asked: on a later turn `finish` is called.
  final func failLater(_ error: UVError, _ finish: @escaping () -> Void) {
    verdict = error
    loop.nextTick { finish() }
  }

  /// Marks the attempt as finished; false if it was finished before.
  final func beginFinish() -> Bool {
    guard !isFinished else { return false }
    isFinished = true
    timer?.cancel()
    timer = nil
    return true
  }
}
