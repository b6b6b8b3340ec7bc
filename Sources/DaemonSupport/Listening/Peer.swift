package import UVNet

/// Who is at the other end of an accepted connection.
package enum Peer {
  /// By TCP, with its address; `nil` when it had left before it could be asked for.
  case tcp(SocketAddress?)
  /// On a Unix socket, with its process and its user; `nil` where the system does not tell.
  case unix(PeerCredentials?)

  /// Whether it is reached by TCP.
  package var isTCP: Bool { if case .tcp = self { true } else { false } }
}

extension Peer: CustomStringConvertible {
  /// As a log has it, such as `192.0.2.1:56324`.
  package var description: String {
    switch self {
    case .tcp(let address): address?.description ?? "unknown"
    case .unix(let credentials): "unix:" + (credentials?.description ?? "unknown")
    }
  }
}
