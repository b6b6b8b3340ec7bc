/// The wall clock's time as a text, to the millisecond; only the digits that changed are rewritten.
///
/// The time zone's rules are asked once a second, and within a second only the three digits of its
/// fraction are written anew: nothing is allocated then.
@usableFromInline
package struct TimeText: Sendable {
  /// How a time is written.
  package enum Style: Sendable {
    /// `19851019T050107.333`, local time (P4).
    case answer
    /// RFC 3339 in local time with its offset, `2026-11-22T20:00:00.123+00:00`.
    case local
    /// RFC 3339 in UTC, `2026-11-22T20:00:00.123Z`.
    case utc
  }

  private let style: Style
  /// Where the three digits of the fraction begin.
  private let fractionStart: Int
  private var second: Int64 = 0
  private var millisecond = 0
  /// The time last asked for, in ASCII.
  @usableFromInline package private(set) var text: [UInt8]

  /// A text of the first moment of 1970.
  package init(_ style: Style) {
    self.style = style
    fractionStart = style == .answer ? Timestamp.textByteCount - 3 : 20
    text = Self.text(style, second: 0, millisecond: 0)
  }

  /// Sets the text to a moment of the wall clock; fractions of a millisecond are cut off.
  ///
  /// - Parameter nanoseconds: Nanoseconds since 1970-01-01T00:00:00Z; negative before.
  package mutating func update(wallClockNanoseconds nanoseconds: Int64) {
    var (second, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    if fraction < 0 {
      second -= 1
      fraction += 1_000_000_000
    }
    update(second: second, millisecond: Int(fraction / 1_000_000))
  }

  /// Sets the text to a second since 1970 and a millisecond of it, 0 … 999.
  package mutating func update(second: Int64, millisecond: Int) {
    if second != self.second {
      text = Self.text(style, second: second, millisecond: millisecond)
      self.second = second
    } else if millisecond != self.millisecond {
      let start = fractionStart
      var span = text.mutableSpan
      DecimalDigits.write(UInt64(millisecond), count: 3, at: start, in: &span)
    }
    self.millisecond = millisecond
  }

  private static func text(_ style: Style, second: Int64, millisecond: Int) -> [UInt8] {
    let (time, offset) = Timestamp.at(
      second, millisecond: millisecond, in: style == .utc ? .utc : .local)
    switch style {
    case .answer: return time.bytes
    case .local: return time.rfc3339(offsetInSeconds: offset)
    case .utc: return time.rfc3339(offsetInSeconds: nil)
    }
  }
}

extension Timestamp {
  /// The text form, as ASCII.
  fileprivate var bytes: [UInt8] {
    var text: [UInt8] = []
    append(to: &text)
    return text
  }

  /// The time as RFC 3339 has it; without an offset it is UTC.
  func rfc3339(offsetInSeconds offset: Int?) -> [UInt8] {
    var text: [UInt8] = []
    func append(_ number: Int, digits: Int = 2, before separator: Unicode.Scalar? = nil) {
      DecimalDigits.append(number, count: digits, to: &text)
      if let separator { text.append(UInt8(ascii: separator)) }
    }
    append(year, digits: 4, before: "-")
    append(month, before: "-")
    append(day, before: "T")
    append(hour, before: ":")
    append(minute, before: ":")
    append(second, before: ".")
    append(millisecond, digits: 3)
    guard let offset else { return text + [UInt8(ascii: "Z")] }
    let minutes = offset / 60
    text.append(UInt8(ascii: minutes < 0 ? "-" : "+"))
    append(abs(minutes) / 60, before: ":")
    append(abs(minutes) % 60)
    return text
  }
}
