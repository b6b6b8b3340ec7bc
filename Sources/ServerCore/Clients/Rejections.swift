/// Connections that were turned away, and when the log is told: once a second at most.
struct Rejections {
  /// Those that the log has not been told of.
  private(set) var count = 0
  /// Whether a report was made less than a second ago.
  private var isResting = false

  /// Counts one; true when it is to be reported now.
  mutating func add() -> Bool {
    count += 1
    return !isResting
  }

  /// The number to report, and the beginning of a second without a report; nil when there is none.
  mutating func report() -> Int? {
    isResting = count > 0
    defer { count = 0 }
    return count > 0 ? count : nil
  }

  /// Whether something else may take the place of a report now.
  mutating func mayReport() -> Bool {
    defer { isResting = true }
    return !isResting
  }
}
