import TestTaskProgramBasics

/// One event as it is written: fields in order, in logfmt or as a JSON object.
///
/// A log uses the same one for all its events.
package struct LogLine: ~Copyable {
  private var text = TextBuffer()
  let format: LogFormat

  package init(_ format: LogFormat) { self.format = format }

  /// Lends what was written since ``begin(at:_:_:)``.
  func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result { text.withBytes(body) }

  /// Begins a new line with what all have: when, how much it matters, and what happened.
  mutating func begin(at time: [UInt8], _ level: LogLevel, _ event: StaticString) {
    text.removeAll()
    let isJSON = format == .json
    text.append(isJSON ? "{\"ts\":\"" : "ts=", "", "", roomFor: 64 + time.count)
    unsafe text.append(time.span.bytes)
    text.append(isJSON ? "\",\"level\":\"" : " level=")
    text.append(level.name)
    text.append(isJSON ? "\",\"event\":\"" : " event=")
    text.append(event)
    if isJSON { text.append(UInt8(ascii: "\"")) }
  }

  /// Adds a number.
  package mutating func add(_ name: StaticString, _ number: UInt64) {
    add(name: name)
    text.append(decimal: number)
  }

  /// Adds a number.
  package mutating func add(_ name: StaticString, _ number: Int) {
    add(name: name)
    if number < 0 { text.append(UInt8(ascii: "-")) }
    text.append(decimal: UInt64(number.magnitude))
  }

  /// Adds text, quoted as the format asks.
  package mutating func add(_ name: StaticString, _ value: String) {
    add(name: name)
    var value = value
    let isPlain = value.withUTF8 { unsafe !$0.isEmpty && $0.allSatisfy(\.isPlain) }
    // JSON's string is what readers of logfmt expect in quotes as well.
    if !isPlain { value = value.jsonString }
    let needsQuotes = isPlain && format == .json
    if needsQuotes { text.append(UInt8(ascii: "\"")) }
    value.withUTF8 { text.append(unsafe $0.span.bytes) }
    if needsQuotes { text.append(UInt8(ascii: "\"")) }
  }

  /// Ends the line.
  mutating func finish() {
    if format == .json { text.append(UInt8(ascii: "}")) }
    text.append(UInt8(ascii: "\n"))
  }

  @inline(__always)
  private mutating func add(name: StaticString) {
    switch format {
    case .logfmt: text.append(" ", name, "=", roomFor: 20)
    case .json: text.append(",\"", name, "\":", roomFor: 20)
    }
  }
}

extension LogLevel {
  fileprivate var name: StaticString {
    switch self {
    case .error: "error"
    case .warning: "warning"
    case .info: "info"
    case .debug: "debug"
    }
  }
}

extension UInt8 {
  /// A bit for each of the first 128 characters that needs no quotes and no escapes: all but
  /// controls, the blank, `"`, `=`, `\` and DEL.
  private static let plainBits: (low: UInt64, high: UInt64) = (
    0xFFFF_FFFF_0000_0000 & ~(1 << 0x20 | 1 << 0x22 | 1 << 0x3D), ~(1 << 0x1C | 1 << 0x3F)
  )

  fileprivate var isPlain: Bool {
    guard self < 0x80 else { return false }
    let bits = self < 0x40 ? Self.plainBits.low : Self.plainBits.high
    return bits >> UInt64(self & 0x3F) & 1 == 1
  }
}
