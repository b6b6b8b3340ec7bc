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
    text.append(format == .logfmt ? "ts=" : "{\"ts\":\"")
    unsafe text.append(time.span.bytes)
    text.append(format == .logfmt ? " level=" : "\",\"level\":\"")
    text.append(level.name)
    text.append(format == .logfmt ? " event=" : "\",\"event\":\"")
    text.append(event)
    if format == .json { text.append(UInt8(ascii: "\"")) }
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
    case .logfmt:
      text.append(UInt8(ascii: " "))
      text.append(name)
      text.append(UInt8(ascii: "="))
    case .json:
      text.append(",\"")
      text.append(name)
      text.append("\":")
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
  /// Whether a value of such bytes needs no quotes in logfmt, and no escapes in JSON.
  fileprivate var isPlain: Bool {
    self > 0x20 && self < 0x7F && self != UInt8(ascii: "\"") && self != UInt8(ascii: "=")
      && self != UInt8(ascii: "\\")
  }
}
