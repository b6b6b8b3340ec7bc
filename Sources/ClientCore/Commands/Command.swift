/// One command of the client's language, its arguments checked.
///
/// Commands from the prompt, `-e`, a file and a pipe are the same; ``CommandParser`` reads them.
package enum Command: Hashable {
  /// Connect to a target, or again to the one that is set.
  case connect(Target?)
  case disconnect
  case request(RequestKind)
  case every(Duration, RequestKind)
  case showEvery
  case stop
  /// The delay before connecting again; nil = off.
  case reconnect(Duration?)
  /// How long to wait for an answer; nil = for ever.
  case timeout(Duration?)
  /// Wait until nothing is unanswered, at most for this time.
  case wait(Duration?)
  case sleep(Duration)
  case status
  case stats
  case resetStats
  case screenLog(Bool)
  /// Copy the log to a file; nil = no longer.
  case logFile(String?)
  case set
  case help(String?)
  case history
  case clear
  case quit
}
