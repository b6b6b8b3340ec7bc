import TestTaskProgramBasics
import TestTaskDaemonSupport
import TestTaskProto
import UVNet

extension Server {
  /// What becomes of the connection of a client that has left.
  enum Ending {
    /// What was written is sent; then it closes.
    case gracefully
    /// It closes now, and what was not sent is lost.
    case atOnce
    /// It is closed.
    case done
  }

  /// Takes a client off the list and logs it: once, whatever happens to its connection later.
  ///
  /// Its sleeping requests are dropped. Answers written before are still sent if it ends
  /// gracefully.
  func leave(
    _ session: Session, _ reason: DisconnectReason, _ ending: Ending,
    _ violation: ProtocolViolation? = nil, error: UVError? = nil
  ) {
    let connection = session.connection
    guard self.session(of: connection) === session else { return }
    sessions[session.owner.index] = nil
    // No session's place any more, and its own as long as it lingers.
    connection.tag = -Int(session.number)
    sleeping.leave(session.owner)
    clientCount -= 1
    memory.leave(session.owner.index)
    // Answers of this very turn count as sent: they are, unless the connection breaks.
    let unsent = ending == .gracefully ? UInt64(connection.pendingBytes) : 0
    record(.info, "disconnect") {
      $0.add("conn", session.number)
      $0.add("peer", session.peer)
      $0.add("reason", reason.rawValue)
      $0.add("clients", clientCount)
      $0.add("duration_ms", (loop.now.nanoseconds - session.connectedAt) / 1_000_000)
      $0.add("requests", session.requests)
      $0.add("rx_bytes", connection.bytesRead)
      $0.add("tx_bytes", connection.bytesWritten + unsent)
      if let violation {
        $0.add("violation", violation.kind.rawValue)
        $0.add("offset", violation.offset)
      }
      if let error { $0.add("error", error.description) }
    }
    // Its close callback has come, or is the one that we are in.
    guard ending != .done else { return }
    lingeringCount += 1
    switch ending {
    case .gracefully where endSignal != nil: closeInDrain(connection)
    case .gracefully:
      connection.closeGracefully(within: patience(with: connection))
      // Most are closed by that already.
      if !connection.isClosing { lingering[connection.tag] = connection }
    case .atOnce, .done: connection.close()
    }
  }

  /// Lets nobody who has left and got all hold up a drain by keeping its own end open.
  func hastenLingering() {
    for connection in lingering.values where connection.pendingBytes == 0 {
      connection.closeGracefully(within: Self.drainPatience)
    }
  }

  private static let drainPatience = Duration.milliseconds(250)

  /// How long a client that has left may take for its last answers and its own end.
  private func patience(with connection: TCPConnection) -> Duration {
    // Whoever had enough of them to be paused reads slowly, or not at all.
    connection.isWritable || memory.total > tightMarkBytes
      ? .seconds(5) : .seconds(Int64(configuration.stuckPeerTimeoutSeconds))
  }

  /// Answers that are due have the whole drain for their way out, but nobody waits long for the
  /// client's own end: only so that what it sent meanwhile, unread, does not turn ours into a
  /// reset.
  private func closeInDrain(_ connection: TCPConnection) {
    do throws(UVError) {
      try connection.write("") { [unowned connection] _ in
        connection.closeGracefully(within: Self.drainPatience)
      }
    } catch {
      connection.close()
    }
  }

  /// The connection is gone: of one that had left already, or as the way that a client leaves.
  func closed(_ connection: StreamConnection, _ reason: CloseReason) {
    if let session = session(of: connection) {
      leave(session, reason)
    } else {
      lingeringCount -= 1
      if !lingering.isEmpty { lingering[connection.tag] = nil }
    }
    endIfDrained()
  }

  private func leave(_ session: Session, _ reason: CloseReason) {
    guard let error = reason.error else {
      return leave(session, reason == .peer ? .eof : .error, .done)
    }
    switch error.code {
    case .connectionReset, .brokenPipe: leave(session, .reset, .done)
    case .timedOut where session.connection.pendingBytes > 0:
      // The kernel's patience with a peer that takes nothing, which ends soon after ours.
      leave(session, .stuck, .done, error: error)
    default: leave(session, .error, .done, error: error)
    }
  }
}
