import UVNet

/// What happened, for the log.
enum SessionEvent: Hashable {
  case connecting(SocketAddress)
  case connected(SocketAddress)
  case connectFailed(SocketAddress, LossCause, retryIn: Duration?)
  case disconnected(SocketAddress, LossCause, retryIn: Duration?)
  case sent(Request)
  case received(Request, Answer, roundTrip: Duration)
  /// A periodic tick sent nothing, for this request is unanswered.
  case skipped(Request)
  case lost(Request, LossCause)
  case violation(SocketAddress, Violation)
}
