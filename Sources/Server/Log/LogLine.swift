import ProgramSupport

/// One event as it is written: fields in order, in logfmt or as a JSON object.
struct LogLine {
  private(set) var bytes: [UInt8] = []
  private let format: LogFormat

  init(_ format: LogFormat) {
    self.format = format
    if format == .json { bytes.append(UInt8(ascii: "{")) }
  }

  /// Adds a number.
  mutating func add(_ name: StaticString, _ number: some BinaryInteger) {
    addName(name)
    bytes.append(contentsOf: String(number).utf8)
  }

  /// Adds text, quoted as the format asks.
  mutating func add(_ name: StaticString, _ text: String) {
    addName(name)
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !$0.isSpecial }
    if format == .logfmt && isPlain {
      bytes.append(contentsOf: text.utf8)
    } else {
      // JSON's string, which is what readers of logfmt expect in quotes as well.
      bytes.append(contentsOf: text.jsonString.utf8)
    }
  }

  /// Adds what `append` writes, which needs no quoting in logfmt and no escaping in JSON.
  mutating func add(_ name: StaticString, appending append: (inout [UInt8]) -> Void) {
    addName(name)
    if format == .json { bytes.append(UInt8(ascii: "\"")) }
    append(&bytes)
    if format == .json { bytes.append(UInt8(ascii: "\"")) }
  }

  /// Ends the line.
  mutating func finish() {
    if format == .json { bytes.append(UInt8(ascii: "}")) }
    bytes.append(UInt8(ascii: "\n"))
  }

  private mutating func addName(_ name: StaticString) {
    let isFirst = bytes.count <= 1
    let name = name.withUTF8Buffer { Array($0) }
    switch format {
    case .logfmt:
      if !isFirst { bytes.append(UInt8(ascii: " ")) }
      bytes.append(contentsOf: name)
      bytes.append(UInt8(ascii: "="))
    case .json:
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      bytes.append(UInt8(ascii: "\""))
      bytes.append(contentsOf: name)
      bytes.append(contentsOf: "\":".utf8)
    }
  }
}

extension UInt8 {
  /// Whether a logfmt value with this byte has to be quoted.
  fileprivate var isSpecial: Bool {
    self == UInt8(ascii: "\"") || self == UInt8(ascii: "=") || self == UInt8(ascii: "\\")
  }
}
