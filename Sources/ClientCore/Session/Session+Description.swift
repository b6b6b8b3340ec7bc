import TestTaskProgramBasics

extension Session {
  /// The lines of `status`.
  func status(at now: Moment) -> [String] {
    var lines = ["target: \(target?.description ?? "none")"]
    switch state {
    case .disconnected:
      let wait = retryAt.map { max(.zero, now.duration(to: $0)) }
      lines.append("not connected" + (wait.map { ", next try in \(Self.tenths($0)) s" } ?? ""))
    case .connecting: lines.append("connecting")
    case .idle: lines.append("connected, nothing is unanswered")
    case .awaiting(let request):
      let elapsed = max(.zero, request.sentAt.duration(to: now))
      lines.append("connected, \(request.name) is unanswered for \(Self.tenths(elapsed)) s")
    }
    if let periodic { lines.append(periodic.command) }
    return lines
  }

  /// The session's settings as the commands that set them.
  var settings: [String] {
    [
      "reconnect \(reconnectDelay?.decimalSeconds ?? "off")",
      "timeout \(answerTimeout?.decimalSeconds ?? "off")",
      target.map { "connect \(CommandParser.quoted($0.description))" },
      periodic?.command ?? "stop",
    ].compactMap(\.self)
  }

  private static func tenths(_ duration: Duration) -> String {
    Duration.milliseconds(duration.microseconds / 100_000 * 100).decimalSeconds
  }
}
