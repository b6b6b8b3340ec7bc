import TestTaskProto

/// Writes wall-clock time as RFC 3339 with milliseconds, in local time with its offset,
/// `2026-11-22T20:00:00.123+00:00`, or in UTC, `2026-11-22T20:00:00.123Z`.
///
/// A text is made once a millisecond at most, and the time zone's rules are asked once a second.
package struct LogTimestamp: Sendable {
  /// Whose clock it shows.
  package enum Zone: Sendable {
    case local
    case utc
  }

  private let zone: Zone
  private var text: [UInt8] = []
  private var second = Int64.min
  private var millisecond = 0

  private static let millisecondsStart = 20

  package init(_ zone: Zone = .local) { self.zone = zone }

  /// The text for a time in nanoseconds since 1970-01-01 UTC.
  package mutating func text(wallClockNanoseconds: Int64) -> [UInt8] {
    var (second, fraction) = wallClockNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    if fraction < 0 {
      second -= 1
      fraction += 1_000_000_000
    }
    let millisecond = Int(fraction / 1_000_000)
    if second == self.second, millisecond == self.millisecond { return text }
    if second != self.second {
      let (time, offset) = Timestamp.at(
        second, millisecond: 0, in: zone == .local ? .local : .utc)
      text = Self.render(time, offsetInSeconds: zone == .local ? offset : nil)
    }
    self.second = second
    self.millisecond = millisecond
    for (place, unit) in [100, 10, 1].enumerated() {
      text[Self.millisecondsStart + place] = UInt8(ascii: "0") + UInt8(millisecond / unit % 10)
    }
    return text
  }

  /// The text of a time; without an offset it is UTC.
  static func render(_ time: Timestamp, offsetInSeconds offset: Int?) -> [UInt8] {
    var text: [UInt8] = []
    func append(_ number: Int, digits: Int = 2, before separator: Character? = nil) {
      Timestamp.append(number, digits: digits, to: &text)
      if let separator { text.append(contentsOf: separator.utf8) }
    }
    append(time.year, digits: 4, before: "-")
    append(time.month, before: "-")
    append(time.day, before: "T")
    append(time.hour, before: ":")
    append(time.minute, before: ":")
    append(time.second, before: ".")
    append(time.millisecond, digits: 3)
    guard let offset else { return text + [UInt8(ascii: "Z")] }
    let minutes = offset / 60
    text.append(UInt8(ascii: minutes < 0 ? "-" : "+"))
    append(abs(minutes) / 60, before: ":")
    append(abs(minutes) % 60)
    return text
  }
}
