internal import TestTaskProgramBasics
internal import TestTaskProto

/// Lines of a log, one after another, each with its fields in order, in logfmt or as a JSON object.
///
/// A log uses one value for all its events. A field costs one copy of its name and its value:
/// nothing is allocated, and no intermediate string is made.
package struct LogText: ~Copyable {
  private var text = TextBuffer()
  let format: LogFormat

  package init(_ format: LogFormat) { self.format = format }

  var byteCount: Int { text.count }

  /// Calls `body` with the bytes of all lines.
  func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result { text.withBytes(body) }

  mutating func removeAll() { text.removeAll() }

  /// Begins a line with the fields that every line has: time, level and event.
  mutating func begin(at time: [UInt8], _ level: LogLevel, _ event: StaticString) {
    let (level, size) = (level.name, event.utf8CodeUnitCount)
    text.makeRoom(for: 40 + time.count + level.utf8CodeUnitCount + size)
    switch format {
    case .logfmt:
      text.appendInRoom("ts=")
      unsafe text.append(time.span.bytes)
      text.appendInRoom(" level=")
      text.appendInRoom(level)
      text.appendInRoom(" event=")
      text.appendInRoom(event)
    case .json:
      text.appendInRoom("{\"ts\":\"")
      unsafe text.append(time.span.bytes)
      text.appendInRoom("\",\"level\":\"")
      text.appendInRoom(level)
      text.appendInRoom("\",\"event\":\"")
      text.appendInRoom(event)
      text.appendInRoom(UInt8(ascii: "\""))
    }
  }

  /// Adds a number.
  package mutating func add(_ name: StaticString, _ number: UInt64) {
    add(name: name, roomFor: DecimalDigits.most)
    text.appendInRoom(number)
  }

  /// Adds a number.
  package mutating func add(_ name: StaticString, _ number: Int) {
    add(name: name, roomFor: 1 + DecimalDigits.most)
    if number < 0 { text.appendInRoom(UInt8(ascii: "-")) }
    text.appendInRoom(UInt64(number.magnitude))
  }

  /// Adds a text, quoted as the format asks.
  package mutating func add(_ name: StaticString, _ value: String) {
    var value = value
    // JSON's string is what readers of logfmt expect in quotes as well.
    let isPlain = value.withUTF8 { unsafe Self.isPlain($0) }
    if !isPlain { value = value.jsonString }
    value.withUTF8 { add(name, quote: isPlain && format == .json, unsafe $0.span.bytes) }
  }

  /// Adds a text of the program's own making, such as an address, which logfmt has without quotes
  /// though it may contain `=`.
  ///
  /// - Parameters:
  ///   - name: The field's name.
  ///   - value: ASCII without controls, blanks, `"` and `\`.
  package mutating func add(_ name: StaticString, plain value: String) {
    var value = value
    value.withUTF8 { add(name, quote: format == .json, unsafe $0.span.bytes) }
  }

  /// Whether a text needs neither quotes nor an escape: it is ASCII without controls, the blank, `"`,
  /// `=`, `\` and DEL, and not empty.
  private static func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    // A loop, which costs a third of `allSatisfy` with a closure.
    for index in text.indices {
      let byte = unsafe text[index]
      guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "="),
        byte != UInt8(ascii: "\\")
      else { return false }
    }
    return !text.isEmpty
  }

  private mutating func add(_ name: StaticString, quote: Bool, _ bytes: RawSpan) {
    add(name: name, roomFor: 2 + bytes.byteCount)
    if quote { text.appendInRoom(UInt8(ascii: "\"")) }
    text.append(bytes)
    if quote { text.appendInRoom(UInt8(ascii: "\"")) }
  }

  /// Ends the line.
  mutating func end() {
    text.makeRoom(for: 2)
    if format == .json { text.appendInRoom(UInt8(ascii: "}")) }
    text.appendInRoom(UInt8(ascii: "\n"))
  }

  /// Adds a field's name, and makes room for `more` bytes of its value.
  @inline(__always)
  private mutating func add(name: StaticString, roomFor more: Int) {
    text.makeRoom(for: 4 + name.utf8CodeUnitCount + more)
    switch format {
    case .logfmt:
      text.appendInRoom(UInt8(ascii: " "))
      text.appendInRoom(name)
      text.appendInRoom(UInt8(ascii: "="))
    case .json:
      text.appendInRoom(",\"")
      text.appendInRoom(name)
      text.appendInRoom("\":")
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
