package import TestTaskDaemonSupport

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
  package var proxy: String?
  package var milliseconds: UInt64
  package var requests: UInt64
  package var error: String?
  package var violation: Violation?
  package var ending: Ending
  package var reason: DisconnectReason
  /// Clients that are left.
  package var clients: UInt32
  /// Sleeping requests that were dropped.
  package var dropped: UInt32

  /// What the log calls it.
  package static var name: StaticString { "disconnect" }

  /// - Parameters:
  ///   - line: The line of the log.
  ///   - traffic: What went over the connection.
  package func addFields(to line: inout LogText, _ traffic: Traffic) {
    line.add("conn", number)
    line.add("peer", plain: peer)
    if let proxy { line.add("via", plain: proxy) }
    line.add("reason", reason.rawValue)
    line.add("clients", UInt64(clients))
    line.add("duration_ms", milliseconds)
    line.add("requests", requests)
    line.add("rx_bytes", traffic.bytesRead)
    // What is still to be sent counts as sent: it is, unless the connection breaks.
    let isSent = ending != .atOnce && ending != .done
    line.add("tx_bytes", traffic.bytesWritten + UInt64(isSent ? traffic.unsent : 0))
    if dropped > 0 { line.add("dropped", UInt64(dropped)) }
    if let violation {
      line.add("violation", violation.name)
      line.add("offset", violation.offset)
    }
    if let error { line.add("error", error) }
  }
}
