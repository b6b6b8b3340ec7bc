extension EventLoop {
  /// A point on the monotonic clock that timers follow: it never jumps when the wall clock is set.
  ///
  /// On Linux that is `CLOCK_MONOTONIC`; it does not count while the machine is suspended.
  public struct Instant: InstantProtocol, Sendable {
    /// Nanoseconds since an arbitrary moment, usually the machine's start.
    public let nanoseconds: UInt64

    /// Makes an instant from the clock's nanoseconds.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The instant `duration` later; at most the last that can be expressed, at least zero.
    public func advanced(by duration: Duration) -> Instant {
      let (seconds, attoseconds) = duration.components
      let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      guard !overflow else { return Instant(nanoseconds: seconds < 0 ? 0 : .max) }
      let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
      guard !carried else { return Instant(nanoseconds: seconds < 0 ? 0 : .max) }
      if sum >= 0 {
        let (result, overflow) = nanoseconds.addingReportingOverflow(UInt64(sum))
        return Instant(nanoseconds: overflow ? .max : result)
      }
      let back = sum.magnitude
      return Instant(nanoseconds: back > nanoseconds ? 0 : nanoseconds - back)
    }

    /// The time from this instant to `other`: negative when `other` is earlier.
    public func duration(to other: Instant) -> Duration {
      if other.nanoseconds >= nanoseconds {
        return Self.duration(ofNanoseconds: other.nanoseconds - nanoseconds)
      }
      return .zero - Self.duration(ofNanoseconds: nanoseconds - other.nanoseconds)
    }

    private static func duration(ofNanoseconds nanoseconds: UInt64) -> Duration {
      Duration(
        secondsComponent: Int64(nanoseconds / 1_000_000_000),
        attosecondsComponent: Int64(nanoseconds % 1_000_000_000) * 1_000_000_000)
    }

    /// Whether `lhs` comes before `rhs`.
    public static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
  }
}
