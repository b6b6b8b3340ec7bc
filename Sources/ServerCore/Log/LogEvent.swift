package import TestTaskDaemonSupport

/// A line of the log, but for those of a disconnect, which are ``Departure``'s.
package enum LogEvent {
  case connect(conn: UInt64, peer: String, via: String? = nil, clients: Int)
  indirect case securedConnect(
    conn: UInt64, peer: String, via: String? = nil, clients: Int, SecuredSession)
  case request(conn: UInt64, sleepSeconds: UInt32?)
  case answer(conn: UInt64, connectedClients: UInt32?)
  case rejected(count: Int)
  case acceptFailed(String)
  case drain(signal: String, clients: Int, sleeping: Int, dropped: Int)
  case stop(signal: String?)

  /// What the log calls it.
  package var name: StaticString {
    switch self {
    case .connect, .securedConnect: "connect"
    case .request: "request"
    case .answer: "answer"
    case .rejected: "rejected"
    case .acceptFailed: "accept_failed"
    case .drain: "drain"
    case .stop: "stop"
    }
  }

  package func addFields(to line: inout LogText) {
    switch self {
    case .connect(let number, let peer, let proxy, let clients):
      line.add("conn", number)
      line.add("peer", plain: peer)
      if let proxy { line.add("via", plain: proxy) }
      line.add("clients", clients)
    case .securedConnect(let number, let peer, let proxy, let clients, let session):
      line.add("conn", number)
      line.add("peer", plain: peer)
      if let proxy { line.add("via", plain: proxy) }
      line.add("clients", clients)
      line.add("tls", session.version)
      line.add("cipher", session.cipher)
      if let subject = session.subject { line.add("subject", subject) }
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
