/// What the client can ask of a server.
enum RequestKind: Hashable {
  /// The server's current time, at once.
  case fast
  /// The number of connected clients, after the server has slept so many seconds.
  case slow(seconds: UInt32)

  /// The request as the command that sends it.
  var command: String {
    switch self {
    case .fast: "fast"
    case .slow(let seconds): "slow \(seconds)"
    }
  }
}
