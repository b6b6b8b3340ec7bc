#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Gives the time as a ``Timestamp``'s text, formatted at most once a millisecond.
///
/// The time zone rules are asked once a second, so a change to or from daylight saving time shows
/// in the first second that it holds. A changed `TZ` or `/etc/localtime` is noticed when a
/// formatter is created, or after `tzset()`.
public struct TimestampFormatter: Sendable {
  @usableFromInline var time: TimeText

  /// The time last asked for, as 19 ASCII characters (P4).
  @inlinable
  public var text: [UInt8] { time.text }

  /// Creates a formatter and reads the time zone of the process.
  public init() {
    // POSIX leaves it to the caller: localtime_r need not read TZ.
    tzset()
    time = TimeText(.answer)
  }

  /// The local time at a moment of the wall clock; fractions of a millisecond are cut off.
  ///
  /// - Parameter wallClockNanoseconds: Nanoseconds since 1970-01-01T00:00:00Z; negative before.
  ///   Every value is representable: they span the years 1677 to 2262.
  /// - Returns: 19 ASCII characters (P4).
  public mutating func format(wallClockNanoseconds: Int64) -> String {
    update(wallClockNanoseconds: wallClockNanoseconds)
    return String(decoding: text, as: UTF8.self)
  }

  /// Sets ``text`` to a moment of the wall clock; see ``format(wallClockNanoseconds:)``.
  ///
  /// Within a second only the three digits of its fraction are written anew, and nothing is
  /// allocated.
  ///
  /// - Parameter wallClockNanoseconds: Nanoseconds since 1970-01-01T00:00:00Z; negative before.
  public mutating func update(wallClockNanoseconds: Int64) {
    time.update(wallClockNanoseconds: wallClockNanoseconds)
  }

  /// The local time now, by the system's wall clock.
  ///
  /// A clock set outside the years 0 … 9999 gives the first or the last second of them.
  ///
  /// - Returns: 19 ASCII characters (P4).
  public mutating func now() -> String {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return format(second: Int64(time.tv_sec), millisecond: Int(time.tv_nsec / 1_000_000))
  }

  /// The text for a second since 1970 and a millisecond of it, 0 … 999.
  package mutating func format(second: Int64, millisecond: Int) -> String {
    time.update(second: second, millisecond: millisecond)
    return String(decoding: text, as: UTF8.self)
  }
}
