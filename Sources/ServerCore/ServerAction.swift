package import TestTaskProgramBasics

/// What the shell is to do, in this order, after it has written the answers that an event gave.
package enum ServerAction {
  // One connection.
  /// Read no more from the client at a place.
  case pause(Int)
  case resume(Int)
  case setLimits(Int, OutputLimits)
  /// Log that a client has left, and end its connection; its place is free from now on.
  case leave(Departure)
  /// Let clients that have left and got all their answers keep their own end open no longer.
  case hastenLingering(within: Duration)

  // Time, in nanoseconds on the loop's clock.
  case wakeForAnswers(at: UInt64)
  /// Let the shell ask for due answers again on the next turn of the loop.
  case answerNextTurn
  case sweep(after: UInt64)
  case reportRejections(after: UInt64)
  case endDrain(at: UInt64)
  /// Call ``ServerCore/nextTurnBegan()`` on the next turn of the loop.
  case callNextTurn
  /// Answer what is due, and then call ``ServerCore/abandonDrain(at:)`` on the next turn.
  case answerThenAbandon

  // The whole server.
  case log(LogLevel, LogEvent)
  case report(LogLevel, String)
  case notify(String)
  case stopListening
  /// Close everything and let the loop end.
  case stop
  /// Write the log, and exit with this code.
  case exit(Int32)
}

/// A line of the log, but for those of a disconnect.
package enum LogEvent {
  case connect(conn: UInt64, peer: String, clients: Int)
  case request(conn: UInt64, sleepSeconds: UInt32?)
  case answer(conn: UInt64, connectedClients: UInt32?)
  case rejected(count: Int)
  case acceptFailed(String)
  case drain(signal: String, clients: Int, sleeping: Int, dropped: Int)
  case stop(signal: String?)
}

/// A client that has left: what its line in the log says, and what becomes of its connection.
package struct Departure {
  /// What becomes of the connection.
  package enum Ending: Equatable, Sendable {
    /// What was written is sent; the peer has this long for it and for its own end.
    case gracefully(within: Duration)
    /// What was written is sent, however long it takes; then the peer has this long for its end.
    case onceSent(within: Duration)
    /// Now, and what was not sent is lost.
    case atOnce
    /// It is closed already.
    case done
  }

  package var place: Int
  package var number: UInt64
  package var peer: String
  package var reason: DisconnectReason
  package var ending: Ending
  /// Clients that are left.
  package var clients: Int
  package var milliseconds: UInt64
  package var requests: UInt64
  /// Sleeping requests that were dropped.
  package var dropped: Int
  /// The kind of violation, and the offset of its frame.
  package var violation: (kind: String, offset: UInt64)?
  package var error: String?
}
