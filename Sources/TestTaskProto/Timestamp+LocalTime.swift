#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Timestamp {
  /// The time zone in which a time is shown.
  package enum Zone: Sendable {
    case local
    case utc
  }

  /// The time that a clock of a zone shows at a moment, and how far that zone is ahead of UTC.
  ///
  /// A year outside 0 … 9999 becomes the first or the last second of that range, so that the text
  /// keeps its length even when the clock is set badly.
  ///
  /// - Parameters:
  ///   - seconds: Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
  ///   - millisecond: 0 … 999.
  ///   - zone: The zone; for local time the rules of the process.
  /// - Returns: The time, and the seconds to subtract from it to get UTC.
  package static func at(
    _ seconds: Int64, millisecond: Int, in zone: Zone
  ) -> (time: Timestamp, offsetInSeconds: Int) {
    var moment = time_t(clamping: seconds)
    var fields = unsafe tm()
    let isRepresentable =
      switch zone {
      case .local: unsafe localtime_r(&moment, &fields) != nil
      case .utc: unsafe gmtime_r(&moment, &fields) != nil
      }
    let year = unsafe Int(fields.tm_year) + 1900
    guard isRepresentable, 0...9999 ~= year else {
      let time =
        seconds < 0
        ? Timestamp(unchecked: 0, 1, 1, 0, 0, 0, millisecond)
        : Timestamp(unchecked: 9999, 12, 31, 23, 59, 59, millisecond)
      return (time, 0)
    }
    let time = unsafe Timestamp(
      unchecked: year, Int(fields.tm_mon) + 1, Int(fields.tm_mday),
      Int(fields.tm_hour), Int(fields.tm_min), Int(fields.tm_sec), millisecond)
    return (time, unsafe Int(fields.tm_gmtoff))
  }
}
