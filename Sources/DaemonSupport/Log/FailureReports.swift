internal import UVNet

/// Limits how often standard error reports that the log loses lines: at most once a minute.
struct FailureReports {
  static let pause = Duration.seconds(60)

  private var last: EventLoop.Instant?

  /// Whether a failure at this moment is to be reported.
  mutating func isDue(at now: EventLoop.Instant) -> Bool {
    if let last, last.duration(to: now) < Self.pause { return false }
    last = now
    return true
  }
}
