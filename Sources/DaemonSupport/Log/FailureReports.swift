internal import UVNet

/// When standard error is told that the log loses lines: once a minute, however often that begins
/// anew.
struct FailureReports {
  static let pause = Duration.seconds(60)

  private var last: EventLoop.Instant?

  /// Whether a failure that is seen now is to be told.
  mutating func isDue(at now: EventLoop.Instant) -> Bool {
    if let last, last.duration(to: now) < Self.pause { return false }
    last = now
    return true
  }
}
