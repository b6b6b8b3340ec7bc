/// A point in time: the time since the program began, on a monotonic clock.
package struct Moment: InstantProtocol, Sendable {
  /// The time since the program began.
  package let sinceStart: Duration

  /// Makes a moment from the time since the program began.
  package init(_ sinceStart: Duration) { self.sinceStart = sinceStart }

  package func advanced(by duration: Duration) -> Moment { Moment(sinceStart + duration) }

  package func duration(to other: Moment) -> Duration { other.sinceStart - sinceStart }

  package static func < (lhs: Moment, rhs: Moment) -> Bool { lhs.sinceStart < rhs.sinceStart }
}
