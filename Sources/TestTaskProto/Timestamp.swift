/// A local date and time to the millisecond, as `YYYYMMDDThhmmss.fff` (P4).
///
/// ISO 8601's basic format with three digits of fraction: always 19 ASCII characters, whatever the
/// locale, for example `19851019T050107.333`. It carries no time zone.
public struct Timestamp: Hashable, Sendable {
  /// The length of the text form: 19 bytes, which are as many characters.
  @inlinable
  public static var textByteCount: Int { 19 }

  /// The year, 0 … 9999.
  public private(set) var year: Int

  /// The month, 1 … 12.
  public private(set) var month: Int

  /// The day of the month, 1 … 31.
  public private(set) var day: Int

  /// The hour, 0 … 23.
  public private(set) var hour: Int

  /// The minute, 0 … 59.
  public private(set) var minute: Int

  /// The second, 0 … 60; 60 is a leap second.
  public private(set) var second: Int

  /// The millisecond, 0 … 999.
  public internal(set) var millisecond: Int

  /// Creates a timestamp, or nil when a field is out of its range or the month has no such day.
  public init?(
    year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int
  ) {
    guard 0...9999 ~= year, 1...12 ~= month, 1...Self.dayCount(ofMonth: month, year) ~= day,
      0...23 ~= hour, 0...59 ~= minute, 0...60 ~= second, 0...999 ~= millisecond
    else { return nil }
    self.init(
      unchecked: year, month, day, hour, minute, second, millisecond)
  }

  init(
    unchecked year: Int, _ month: Int, _ day: Int,
    _ hour: Int, _ minute: Int, _ second: Int, _ millisecond: Int
  ) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
    self.millisecond = millisecond
  }

  /// The days of a month in the Gregorian calendar.
  private static func dayCount(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }

  /// Appends the 19 bytes of the text form to `output`.
  public func append(to output: inout [UInt8]) {
    DecimalDigits.append(year, count: 4, to: &output)
    DecimalDigits.append(month, count: 2, to: &output)
    DecimalDigits.append(day, count: 2, to: &output)
    output.append(UInt8(ascii: "T"))
    DecimalDigits.append(hour, count: 2, to: &output)
    DecimalDigits.append(minute, count: 2, to: &output)
    DecimalDigits.append(second, count: 2, to: &output)
    output.append(UInt8(ascii: "."))
    DecimalDigits.append(millisecond, count: 3, to: &output)
  }
}

extension Timestamp: LosslessStringConvertible {
  /// The text form, 19 ASCII characters.
  public var description: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.textByteCount)
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reads the text form, or gives nil when `text` is not exactly that or names no real time.
  public init?(_ text: String) {
    var rest = text.utf8[...]
    guard rest.count == Self.textByteCount,
      let year = Self.takeNumber(4, from: &rest),
      let month = Self.takeNumber(2, from: &rest),
      let day = Self.takeNumber(2, from: &rest),
      rest.popFirst() == UInt8(ascii: "T"),
      let hour = Self.takeNumber(2, from: &rest),
      let minute = Self.takeNumber(2, from: &rest),
      let second = Self.takeNumber(2, from: &rest),
      rest.popFirst() == UInt8(ascii: "."),
      let millisecond = Self.takeNumber(3, from: &rest)
    else { return nil }
    self.init(
      year: year, month: month, day: day,
      hour: hour, minute: minute, second: second, millisecond: millisecond)
  }

  /// Takes a number of exactly `digits` ASCII digits.
  private static func takeNumber(_ digits: Int, from rest: inout Substring.UTF8View) -> Int? {
    var number = 0
    for _ in 0..<digits {
      guard let byte = rest.popFirst(), 0x30...0x39 ~= byte else { return nil }
      number = number * 10 + Int(byte - 0x30)
    }
    return number
  }
}
