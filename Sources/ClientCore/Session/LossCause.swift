package import TestTaskProgramBasics

/// Why a connection, or a request with it, was lost.
package enum LossCause: Hashable {
  /// The server's end came, or its system's reset.
  ///
  /// They are one cause. A server that closes before it has read the request on its way to it makes
  /// its system send a reset; a moment later it would have been an ordinary end. Which of them it is
  /// depends on microseconds, and nobody can tell such a reset from any other.
  case closedByServer
  /// What the system or the network could do no longer.
  case failed(reason: String)
  /// Nothing came within the answer timeout.
  case noAnswer(within: Duration)
  /// An answer began, and was not complete in time.
  case incompleteAnswer(byteCount: Int, within: Duration)
  /// The server broke the protocol.
  case violation
  /// The user wanted it so: `disconnect`, `connect` to elsewhere, or the end of the program.
  case user

  /// The one name for each way in which a server can end a connection.
  package init(_ end: ConnectionEnd) {
    self =
      switch end {
      case .ended, .reset, .failed(nil): .closedByServer
      case .timedOut(let failure), .failed(let failure?): .failed(reason: failure.message)
      }
  }

  /// The cause in words, for the log.
  package var reason: String {
    switch self {
    case .closedByServer: "closed by the server"
    case .failed(let reason): reason
    case .noAnswer(let limit): "no answer within \(limit.decimalSeconds) s"
    case .incompleteAnswer(let count, let limit):
      "only \(count) byte\(count == 1 ? "" : "s") of an answer within \(limit.decimalSeconds) s"
    case .violation: "protocol violation"
    case .user: "ended by the client"
    }
  }

  /// The exit code of a script that fails for this cause.
  var exitStatus: ExitStatus {
    switch self {
    case .noAnswer, .incompleteAnswer: .timedOut
    case .violation: .protocolViolation
    case .closedByServer, .failed, .user: .connectionLost
    }
  }
}
