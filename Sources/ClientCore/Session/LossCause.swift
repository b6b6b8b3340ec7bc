package import TestTaskProgramBasics

/// Why a connection, or a request with it, was lost.
package enum LossCause: Hashable {
  /// The server ended its stream, or its system reset the connection.
  ///
  /// These are one cause, because microseconds decide which of them the client sees: a server that
  /// closes with a request unread makes its system send a reset, and one that closes before the
  /// request arrives an ordinary end. Such a reset looks like any other.
  case closedByServer
  /// The system or the network failed, for this reason.
  case failed(reason: String)
  /// Nothing came within the answer timeout.
  case noAnswer(within: Duration)
  /// An answer began, and was not complete in time.
  case incompleteAnswer(byteCount: Int, within: Duration)
  /// The server broke the protocol.
  case violation
  /// The user ended it: `disconnect`, `connect` to another target, or the end of the program.
  case user

  /// The cause that stands for this end of a connection.
  package init(_ end: ConnectionEnd) {
    self =
      switch end {
      case .ended, .reset, .failed(nil): .closedByServer
      case .timedOut(let failure), .truncated(let failure), .failed(let failure?):
        .failed(reason: failure.message)
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
