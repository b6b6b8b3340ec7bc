import TestTaskProto

/// What the client can ask of a server.
package enum RequestKind: Hashable {
  /// The server's current time, at once.
  case fast
  /// The number of connected clients, after the server has slept for `seconds`.
  case slow(seconds: UInt32)

  /// The bytes to send for it.
  var frame: [UInt8] {
    var frame: [UInt8] = []
    switch self {
    case .fast: Message.requestForFastResponse.appendFrame(to: &frame)
    case .slow(let seconds):
      Message.requestForSlowResponse(timeInSecondsToSleep: seconds).appendFrame(to: &frame)
    }
    return frame
  }

  /// The request as the command that sends it.
  var command: String {
    switch self {
    case .fast: "fast"
    case .slow(let seconds): "slow \(seconds)"
    }
  }
}
