/// What the shell must do for the session.
enum SessionAction: Hashable {
  /// Begin an attempt, and give it up after the timeout; no other attempt or connection exists.
  case connect(Target, timeout: Duration)
  /// End the attempt or the connection at once; nothing of it may reach the session any more.
  case close
  case send(RequestKind)
  case log(SessionEvent)
}
