import TestTaskDaemonSupport
import TestTaskServerCore
import UVNet

extension LogEvent {
  var name: StaticString {
    switch self {
    case .connect: "connect"
    case .request: "request"
    case .answer: "answer"
    case .rejected: "rejected"
    case .acceptFailed: "accept_failed"
    case .drain: "drain"
    case .stop: "stop"
    }
  }

  func addFields(to line: inout LogLine) {
    switch self {
    case .connect(let number, let peer, let clients):
      line.add("conn", number)
      line.add("peer", peer)
      line.add("clients", clients)
    case .request(let number, let seconds):
      line.add("conn", number)
      line.add("type", seconds == nil ? "fast" : "slow")
      if let seconds { line.add("sleep_s", UInt64(seconds)) }
    case .answer(let number, let clients):
      line.add("conn", number)
      line.add("type", clients == nil ? "fast" : "slow")
      if let clients { line.add("connected_clients", UInt64(clients)) }
    case .rejected(let count): line.add("count", count)
    case .acceptFailed(let error): line.add("error", error)
    case .drain(let signal, let clients, let sleeping, let dropped):
      line.add("signal", signal)
      line.add("clients", clients)
      line.add("sleeping", sleeping)
      line.add("dropped", dropped)
    case .stop(let signal): if let signal { line.add("signal", signal) }
    }
  }
}

extension Departure {
  func addFields(to line: inout LogLine, _ connection: StreamConnection) {
    line.add("conn", number)
    line.add("peer", peer)
    line.add("reason", reason.rawValue)
    line.add("clients", clients)
    line.add("duration_ms", milliseconds)
    line.add("requests", requests)
    line.add("rx_bytes", connection.bytesRead)
    // What is still to be sent counts as sent: it is, unless the connection breaks.
    let isSent = ending != .atOnce && ending != .done
    line.add(
      "tx_bytes", connection.bytesWritten + UInt64(isSent ? connection.pendingBytes : 0))
    if dropped > 0 { line.add("dropped", dropped) }
    if let violation {
      line.add("violation", violation.kind)
      line.add("offset", violation.offset)
    }
    if let error { line.add("error", error) }
  }
}
