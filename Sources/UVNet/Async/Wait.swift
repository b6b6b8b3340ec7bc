/// A task's wait, as a value: it decides who resumes the task, exactly once.
///
/// `Token` resumes the waiting task. It is handed out once, to the caller that has to resume the
/// task. Between ``begin()`` and ``park(_:)`` the task has said that it is going to wait and cannot
/// be resumed yet, but may be cancelled already.
struct Wait<Token> {
  private enum Phase {
    case idle
    case begun(WaitOutcome?)
    case parked(Token)
    case over(WaitOutcome)
  }

  private var number: UInt64 = 0
  /// Last, so that whoever has a wait can put small properties behind it.
  private var phase = Phase.idle

  /// Whether a task is between ``begin()`` and ``end()``.
  var isBusy: Bool { if case .idle = phase { false } else { true } }

  /// Whether a task can be woken.
  var isParked: Bool { if case .parked = phase { true } else { false } }

  /// A task is going to wait; the number names this wait to ``cancel(_:)``.
  mutating func begin() -> UInt64 {
    guard !isBusy else { stopProgram("two tasks wait for the same thing", #fileID, #line) }
    number &+= 1
    phase = .begun(nil)
    return number
  }

  /// The task waits; a token that is returned must be used at once.
  mutating func park(_ token: Token) -> Token? {
    switch phase {
    case .begun(nil):
      phase = .parked(token)
      return nil
    case .begun(.some(let outcome)):
      phase = .over(outcome)
      return token
    case .idle, .parked, .over:
      preconditionFailure("a task waits that has not said so")
    }
  }

  /// What was waited for may have happened.
  mutating func wake() -> Token? { finish(.woken) }

  /// The task was cancelled in wait `number`; a wait that is over is not affected.
  mutating func cancel(_ number: UInt64) -> Token? {
    number == self.number ? finish(.canceled) : nil
  }

  /// The task that waits now was cancelled.
  mutating func cancel() -> Token? { finish(.canceled) }

  /// The task continues.
  mutating func end() -> WaitOutcome {
    guard case .over(let outcome) = phase else {
      preconditionFailure("a task goes on that was not resumed")
    }
    phase = .idle
    return outcome
  }

  private mutating func finish(_ outcome: WaitOutcome) -> Token? {
    switch phase {
    case .begun(nil):
      phase = .begun(outcome)
      return nil
    case .parked(let token):
      phase = .over(outcome)
      return token
    case .idle, .begun, .over:
      return nil
    }
  }
}

/// How a ``Wait`` ended.
enum WaitOutcome: Hashable {
  /// What was waited for may have happened.
  case woken
  /// The task was cancelled first.
  case canceled
}
