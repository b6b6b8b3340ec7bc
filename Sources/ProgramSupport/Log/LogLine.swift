/// One event as it is written: fields in order, in logfmt or as a JSON object.
///
/// A log uses the same one for all its events, so that a line allocates nothing once its memory has
/// grown to the longest; and a field is one step for it, not one a byte.
package struct LogLine: ~Copyable {
  /// What was written since ``begin(at:_:_:)``.
  package private(set) var bytes: [UInt8] = []
  private let format: LogFormat

  package init(_ format: LogFormat) { self.format = format }

  /// Begins a new line with what all have: when, how much it matters, and what happened.
  mutating func begin(at time: [UInt8], _ level: LogLevel, _ event: StaticString) {
    bytes.removeAll(keepingCapacity: true)
    let format = format
    bytes.append(addingCapacity: 64 + time.count + event.utf8CodeUnitCount) { line in
      line.append(format == .logfmt ? "ts=" : "{\"ts\":\"")
      time.withUnsafeBytes { line.append(contentsOf: $0) }
      line.append(format == .logfmt ? " level=" : "\",\"level\":\"")
      line.append(level.name)
      line.append(format == .logfmt ? " event=" : "\",\"event\":\"")
      line.append(event)
      if format == .json { line.append(UInt8(ascii: "\"")) }
    }
  }

  /// Adds a number.
  package mutating func add(_ name: StaticString, _ number: UInt64) {
    let format = format
    bytes.append(addingCapacity: name.utf8CodeUnitCount + 24) { line in
      line.append(name: name, format)
      line.append(decimal: number)
    }
  }

  /// Adds a number.
  package mutating func add(_ name: StaticString, _ number: Int) {
    let format = format
    bytes.append(addingCapacity: name.utf8CodeUnitCount + 24) { line in
      line.append(name: name, format)
      if number < 0 { line.append(UInt8(ascii: "-")) }
      line.append(decimal: UInt64(number.magnitude))
    }
  }

  /// Adds text, quoted as the format asks.
  package mutating func add(_ name: StaticString, _ text: String) {
    var text = text
    let isPlain = text.withUTF8 { !$0.isEmpty && $0.allSatisfy(\.isPlain) }
    // JSON's string is what readers of logfmt expect in quotes as well.
    if !isPlain { text = text.jsonString }
    let format = format
    text.withUTF8 { text in
      bytes.append(addingCapacity: name.utf8CodeUnitCount + text.count + 6) { line in
        line.append(name: name, format)
        let needsQuotes = isPlain && format == .json
        if needsQuotes { line.append(UInt8(ascii: "\"")) }
        line.append(contentsOf: UnsafeRawBufferPointer(text))
        if needsQuotes { line.append(UInt8(ascii: "\"")) }
      }
    }
  }

  /// Ends the line.
  mutating func finish() {
    if format == .json { bytes.append(UInt8(ascii: "}")) }
    bytes.append(UInt8(ascii: "\n"))
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

extension OutputSpan where Element == UInt8 {
  /// Appends what stands before a value; there must be room for it and four bytes more.
  fileprivate mutating func append(name: StaticString, _ format: LogFormat) {
    switch format {
    case .logfmt:
      append(UInt8(ascii: " "))
      append(name)
      append(UInt8(ascii: "="))
    case .json:
      append(",\"")
      append(name)
      append("\":")
    }
  }
}
