import TestTaskProgramBasics

/// The prompt: target and state, as they stand at one moment.
enum PromptText {
  /// `127.0.0.1:25555>`, `not connected (retry in 2s)>`, followed by the unanswered request and the
  /// periodic command, if there are any.
  static func text(for session: Session, at now: Moment) -> String {
    var parts: [String] = []
    switch session.state {
    case .disconnected:
      let delay = session.retryAt.map { " (retry in \(seconds(now.duration(to: $0), .up))s)" }
      return "not connected\(delay ?? "")>"
    case .connecting: return "connecting to \(session.target?.description ?? "")>"
    case .idle: break
    case .awaiting(let request):
      let elapsed = max(.zero, request.sentAt.duration(to: now))
      switch request.kind {
      case .slow(let sleep) where elapsed < .seconds(Int64(sleep)):
        let left = seconds(.seconds(Int64(sleep)) - elapsed, .up)
        parts.append("#\(request.id) slow \(left)s left")
      // A quick answer would only make the prompt flicker.
      case .fast where elapsed < .milliseconds(500): break
      case .fast: parts.append("#\(request.id) fast \(seconds(elapsed, .down))s")
      case .slow: parts.append("#\(request.id) slow \(seconds(elapsed, .down))s")
      }
    }
    if let periodic = session.periodic { parts.append(periodic.command) }
    let state = parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    return "\(session.target?.description ?? "")\(state)>"
  }

  /// Whether the text changes as time goes by.
  static func isLive(_ session: Session) -> Bool {
    session.unanswered != nil || session.retryAt != nil
  }

  private static func seconds(_ duration: Duration, _ rule: FloatingPointRoundingRule) -> Int64 {
    let microseconds = max(0, duration.microseconds)
    let roundUp = rule == .up && microseconds % 1_000_000 > 0
    return microseconds / 1_000_000 + (roundUp ? 1 : 0)
  }
}
