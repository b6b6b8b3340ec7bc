#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

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
    if second != self.second { text = Self.render(Self.fields(of: second, in: zone), zone) }
    self.second = second
    self.millisecond = millisecond
    for (place, unit) in [100, 10, 1].enumerated() {
      text[Self.millisecondsStart + place] = UInt8(ascii: "0") + UInt8(millisecond / unit % 10)
    }
    return text
  }

  private static func fields(of second: Int64, in zone: Zone) -> tm {
    var time = time_t(second)
    var fields = tm()
    switch zone {
    case .local: localtime_r(&time, &fields)
    case .utc: gmtime_r(&time, &fields)
    }
    return fields
  }

  /// The text for one second, with `000` where the milliseconds go.
  static func render(_ fields: tm, _ zone: Zone) -> [UInt8] {
    var text: [UInt8] = []
    func append(_ number: Int, width: Int) {
      let digits = String(max(0, number)).utf8
      text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(0, width - digits.count)))
      text.append(contentsOf: digits)
    }
    append(min(9999, Int(fields.tm_year) + 1900), width: 4)
    text.append(UInt8(ascii: "-"))
    append(Int(fields.tm_mon) + 1, width: 2)
    text.append(UInt8(ascii: "-"))
    append(Int(fields.tm_mday), width: 2)
    text.append(UInt8(ascii: "T"))
    append(Int(fields.tm_hour), width: 2)
    text.append(UInt8(ascii: ":"))
    append(Int(fields.tm_min), width: 2)
    text.append(UInt8(ascii: ":"))
    append(Int(fields.tm_sec), width: 2)
    text.append(contentsOf: ".000".utf8)
    guard zone == .local else { return text + [UInt8(ascii: "Z")] }
    let minutes = Int(fields.tm_gmtoff) / 60
    text.append(UInt8(ascii: minutes < 0 ? "-" : "+"))
    append(abs(minutes) / 60, width: 2)
    text.append(UInt8(ascii: ":"))
    append(abs(minutes) % 60, width: 2)
    return text
  }
}
