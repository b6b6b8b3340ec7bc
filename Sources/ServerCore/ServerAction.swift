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
  /// Leave new clients to other processes, and call
  /// ``ServerCore/handOverIsOver(signal:at:unsent:)`` at this time.
  case handOver(until: UInt64, signal: String)
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
