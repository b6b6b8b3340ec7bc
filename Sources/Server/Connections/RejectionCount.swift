/// Counts connections that were turned away, and says so at most once a second.
struct RejectionCount {
  private var count = 0
  private var lastReport: UInt64?

  /// Whether some were not told of yet.
  var isOwed: Bool { count > 0 }

  mutating func add() { count += 1 }

  /// The number to log now, if there is one and a second has passed since the last.
  ///
  /// - Parameters:
  ///   - now: nanoseconds on the loop's clock.
  ///   - isLast: no later chance comes, so the second does not matter.
  /// - Returns: connections turned away since the last report.
  mutating func report(at now: UInt64, isLast: Bool = false) -> Int? {
    if let lastReport, !isLast, now < lastReport + 1_000_000_000 { return nil }
    guard count > 0 else { return nil }
    defer { count = 0 }
    lastReport = now
    return count
  }
}
