/// A moment of the wall clock, for stamping log lines.
struct WallTime: Hashable {
  /// Microseconds since 1970 in UTC.
  var microseconds: Int64
  /// What local time adds to UTC, in seconds.
  var localOffset: Int64 = 0

  /// RFC 3339 in UTC, to the millisecond: `2026-11-22T20:00:00.123Z`.
  var rfc3339: String {
    let (date, time) = Self.parts(microseconds)
    return "\(date)T\(time)Z"
  }

  /// The local time of day: `21:00:00.123`.
  var localTime: String {
    let shift = localOffset.multipliedReportingOverflow(by: 1_000_000).partialValue
    return Self.parts(microseconds &+ shift).time
  }

  private static func parts(_ microseconds: Int64) -> (date: String, time: String) {
    let day: Int64 = 86_400_000_000
    let rest = (microseconds % day &+ day) % day
    // Days are counted from 0000-03-01, so that the leap day is a year's last.
    let days = (microseconds &- rest) / day + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let date = [
      digits(year, 4), digits(month, 2), digits(dayOfYear - (153 * shifted + 2) / 5 + 1, 2),
    ]
    let second = rest / 1_000_000
    let time = [digits(second / 3600, 2), digits(second / 60 % 60, 2), digits(second % 60, 2)]
    return (
      date.joined(separator: "-"),
      time.joined(separator: ":") + "." + digits(rest / 1000 % 1000, 3)
    )
  }

  private static func digits(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}
