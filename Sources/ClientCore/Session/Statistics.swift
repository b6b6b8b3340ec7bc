import TestTaskProgramBasics

/// What the session has counted since its start or `stats reset`.
struct Statistics: Hashable {
  var sent: UInt64 = 0
  var answered: UInt64 = 0
  var lost: UInt64 = 0
  /// Periodic ticks that found a request unanswered.
  ///
  /// Read it together with the round trips: a server that stalls delays one request and makes the client
  /// skip many ticks.
  var skipped: UInt64 = 0
  /// Round trips in nanoseconds, separate because a slow one contains the server's sleep.
  var fast = Histogram()
  var slow = Histogram()

  /// Counts an answer.
  mutating func recordAnswer(to kind: RequestKind, after roundTrip: Duration) {
    answered &+= 1
    let nanoseconds = UInt64(
      clamping: roundTrip.microseconds.multipliedReportingOverflow(by: 1000).partialValue)
    switch kind {
    case .fast: fast.record(nanoseconds)
    case .slow: slow.record(nanoseconds)
    }
  }

  /// For people: the counts, and a line of round trips for each kind that was answered.
  var lines: [String] {
    var lines = ["sent \(sent), answered \(answered), lost \(lost), skipped \(skipped)"]
    for (name, histogram) in [("fast", fast), ("slow", slow)] where histogram.count > 0 {
      let figures = [("min", 0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)].map {
        let value = $1 == 0 ? histogram.minimum : histogram.quantile($1) ?? 0
        return "\($0) \(Duration.nanoseconds(Int64(clamping: value)).readableMilliseconds)"
      }
      lines.append("\(name) round trip: \(figures.joined(separator: ", ")) ms")
    }
    return lines
  }
}
