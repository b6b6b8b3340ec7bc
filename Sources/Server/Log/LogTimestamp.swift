#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes wall-clock time as RFC 3339 with milliseconds and the local offset,
/// `2026-11-22T20:00:00.123+00:00`, asking the time zone's rules once a second at most.
struct LogTimestamp: Sendable {
  private var second = Int64.min
  private var text: [UInt8] = []

  private static let millisecondsStart = 20

  /// Appends the time given in nanoseconds since 1970-01-01 UTC.
  mutating func append(wallClockNanoseconds: Int64, to output: inout [UInt8]) {
    let seconds = Int64(floorDividing: wallClockNanoseconds, by: 1_000_000_000)
    if seconds != second || text.isEmpty {
      var time = time_t(seconds)
      var fields = tm()
      localtime_r(&time, &fields)
      text = Self.render(fields)
      second = seconds
    }
    let milliseconds = Int((wallClockNanoseconds - seconds * 1_000_000_000) / 1_000_000)
    for (place, unit) in [100, 10, 1].enumerated() {
      text[Self.millisecondsStart + place] = UInt8(ascii: "0") + UInt8(milliseconds / unit % 10)
    }
    output.append(contentsOf: text)
  }

  /// The text for one second, with `000` where the milliseconds go.
  static func render(_ fields: tm) -> [UInt8] {
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
    let minutes = Int(fields.tm_gmtoff) / 60
    text.append(UInt8(ascii: minutes < 0 ? "-" : "+"))
    append(abs(minutes) / 60, width: 2)
    text.append(UInt8(ascii: ":"))
    append(abs(minutes) % 60, width: 2)
    return text
  }
}

extension Int64 {
  fileprivate init(floorDividing number: Int64, by divisor: Int64) {
    self = number >= 0 ? number / divisor : (number + 1) / divisor - 1
  }
}
