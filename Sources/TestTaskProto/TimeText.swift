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
  @usableFromInline package private(set) var text: [UInt8] = []

  /// A text of the first moment of 1970.
  package init(_ style: Style) {
    self.style = style
    fractionStart = style == .answer ? Timestamp.textByteCount - 3 : 20
    rewrite(second: 0, millisecond: 0)
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
      rewrite(second: second, millisecond: millisecond)
      self.second = second
    } else if millisecond != self.millisecond {
      let start = fractionStart
      var span = text.mutableSpan
      DecimalDigits.write(UInt64(millisecond), count: 3, at: start, in: &span)
    }
    self.millisecond = millisecond
  }

  /// Writes the whole text anew, into the memory that it has.
  private mutating func rewrite(second: Int64, millisecond: Int) {
    let (time, offset) = Timestamp.at(
      second, millisecond: millisecond, in: style == .utc ? .utc : .local)
    text.removeAll(keepingCapacity: true)
    switch style {
    case .answer: time.append(to: &text)
    case .local: time.appendRFC3339(to: &text, offsetInSeconds: offset)
    case .utc: time.appendRFC3339(to: &text, offsetInSeconds: nil)
    }
  }
}

extension Timestamp {
  /// Appends the time as RFC 3339 has it; without an offset it is UTC.
  func appendRFC3339(to text: inout [UInt8], offsetInSeconds offset: Int?) {
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
    guard let offset else { return text.append(UInt8(ascii: "Z")) }
    let minutes = offset / 60
    text.append(UInt8(ascii: minutes < 0 ? "-" : "+"))
    append(abs(minutes) / 60, before: ":")
    append(abs(minutes) % 60)
  }
}
