package import TestTaskDaemonSupport
package import TestTaskProgramBasics

/// What the shell is to do, in this order, after it has written the answers that an event gave.
package enum ServerAction {
  // One connection.
  /// Read the header of the PROXY protocol from the connection at a place, which has this long for it;
  /// then call ``ServerCore/introduced(_:as:)`` or ``ServerCore/headerRefused(_:error:at:)``.
  case readProxyHeader(Int, within: Duration)
  /// Have the connection at a place speak TLS; then call ``ServerCore/secured(_:_:)``.
  case secure(Int)
  /// Log that the client at a place has come, and begin to read its requests.
  case serve(Int, LogEvent)
  /// Read no more from the client at a place.
  case pause(Int)
  case resume(Int)
  case setLimits(Int, OutputLimits)
  /// Log that a client has left, and end its connection; its place is free from now on.
  case leave(Departure)
  /// Let clients that have left keep their own end open no longer than this, once they have all answers.
  case hastenLingering(within: Duration)

  // Time.
  /// Call ``ServerCore/woke(_:at:look:)`` at this time, in nanoseconds on the loop's clock.
  case wake(Wakeup, at: UInt64)
  /// Call ``ServerCore/woke(_:at:look:)`` on the next turn of the loop, sooner than a timer could.
  case wakeNextTurn(Wakeup)

  // The whole server.
  case log(LogLevel, LogEvent)
  case report(LogLevel, String)
  case notify(String)
  /// Take no new clients that other processes can have.
  case leaveToOthers
  case stopListening
  /// Close everything and let the loop end.
  case stop
  /// Write the log, and exit with this code.
  case exit(Int32)
}
