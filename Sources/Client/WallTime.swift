import ProgramSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A moment of the wall clock, for stamping log lines.
struct WallTime: Hashable {
  /// Microseconds since 1970 in UTC.
  var microseconds: Int64

  /// The present.
  static var now: WallTime { WallTime(microseconds: WallClock.nanoseconds / 1000) }

  /// RFC 3339 in UTC, to the millisecond: `2026-11-22T20:00:00.123Z`.
  var rfc3339: String {
    let parts = parts(gmtime_r)
    let year = Int64(parts.tm_year) + 1900
    let date = [(year, 4), (Int64(parts.tm_mon) + 1, 2), (Int64(parts.tm_mday), 2)]
    return "\(date.map(Self.digits).joined(separator: "-"))T\(time(parts))Z"
  }

  /// The local time of day: `21:00:00.123`.
  var localTime: String { time(parts(localtime_r)) }

  private func parts(
    _ convert: (UnsafePointer<time_t>, UnsafeMutablePointer<tm>) -> UnsafeMutablePointer<tm>?
  ) -> tm {
    var seconds = time_t(microseconds >= 0 ? microseconds / 1_000_000 : 0)
    var parts = tm()
    _ = convert(&seconds, &parts)
    return parts
  }

  private func time(_ parts: tm) -> String {
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Self.digits(Int64($0), 2) }
    let milliseconds = max(0, microseconds) / 1000 % 1000
    return clock.joined(separator: ":") + "." + Self.digits(milliseconds, 3)
  }

  private static func digits(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}
