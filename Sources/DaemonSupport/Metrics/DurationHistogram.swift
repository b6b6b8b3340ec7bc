/// How long something took, as Prometheus counts it: the number of durations up to each of some bounds.
///
/// The bounds are fixed, so that adding a duration allocates nothing.
package struct DurationHistogram: Equatable, Sendable {
  /// The upper bounds in nanoseconds, each included: 5 µs to 5 s.
  package static let bounds: [UInt64] = [
    5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 10_000_000, 50_000_000,
    100_000_000, 500_000_000, 1_000_000_000, 5_000_000_000,
  ]

  /// Durations over the bound before and up to each bound; at the end those over all bounds.
  private var counts = [UInt64](repeating: 0, count: Self.bounds.count + 1)
  /// All durations together, in nanoseconds.
  package private(set) var sum: UInt64 = 0

  package init() {}

  /// Counts a duration in nanoseconds.
  package mutating func add(_ nanoseconds: UInt64) {
    sum &+= nanoseconds
    counts[Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count] &+= 1
  }

  /// The number of durations.
  package var count: UInt64 { counts.reduce(0, &+) }

  /// The number of durations up to each bound.
  package var cumulative: [UInt64] {
    var total: UInt64 = 0
    return counts.dropLast().map {
      total &+= $0
      return total
    }
  }
}
