/// What happened, for the log.
enum SessionEvent: Hashable {
  case connecting(Target)
  case connected(Target)
  case connectFailed(Target, LossCause, retryIn: Duration?)
  case disconnected(Target, LossCause, retryIn: Duration?)
  case sent(Request)
  case received(Request, Answer, roundTrip: Duration)
  /// A periodic tick sent nothing, because this request is unanswered.
  case skipped(Request)
  case lost(Request, LossCause)
  case violation(Target, Violation)
}
