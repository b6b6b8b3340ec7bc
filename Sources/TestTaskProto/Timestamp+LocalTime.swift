#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Timestamp {
  /// The local time at a moment, by the time zone rules of the process.
  ///
  /// Years that four digits cannot say become the first or the last second that they can, so that
  /// a badly set clock still gives 19 characters.
  ///
  /// - Parameters:
  ///   - seconds: Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
  ///   - millisecond: 0 … 999.
  init(localTimeAt seconds: Int64, millisecond: Int) {
    var moment = time_t(clamping: seconds)
    var fields = tm()
    let representable = localtime_r(&moment, &fields) != nil
    let year = Int(fields.tm_year) + 1900
    guard representable, 0...9999 ~= year else {
      self =
        seconds < 0
        ? Timestamp(unchecked: 0, 1, 1, 0, 0, 0, millisecond)
        : Timestamp(unchecked: 9999, 12, 31, 23, 59, 59, millisecond)
      return
    }
    self.init(
      unchecked: year, Int(fields.tm_mon) + 1, Int(fields.tm_mday),
      Int(fields.tm_hour), Int(fields.tm_min), Int(fields.tm_sec), millisecond)
  }
}
