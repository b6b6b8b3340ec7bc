/// Cuts input that is no terminal into lines.
///
/// LF or CRLF ends a line, and so does the end of input. A line longer than the limit is dropped
/// while it is read, so that memory stays bounded, and reported once.
package struct LineReader {
  /// What was read.
  package enum Line: Hashable {
    case text(String)
    case tooLong
  }

  /// The longest line, in bytes.
  package static let limit = 65536
  private var partial: [UInt8] = []
  private var isTooLong = false

  /// A reader at the start of a line.
  package init() {}

  /// The lines that `bytes` completes.
  package mutating func feed(_ bytes: [UInt8]) -> [Line] {
    var lines: [Line] = []
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      keep(rest[..<end])
      lines.append(takeLine())
      rest = rest[(end + 1)...]
    }
    keep(rest)
    return lines
  }

  /// The last line, when it was not ended by a line end.
  package mutating func finish() -> Line? {
    partial.isEmpty && !isTooLong ? nil : takeLine()
  }

  /// The lines of a whole text.
  package static func lines(of bytes: [UInt8]) -> [Line] {
    var reader = LineReader()
    return reader.feed(bytes) + [reader.finish()].compactMap(\.self)
  }

  private mutating func keep(_ bytes: ArraySlice<UInt8>) {
    if partial.count + bytes.count > Self.limit { isTooLong = true }
    if isTooLong { partial = [] } else { partial += bytes }
  }

  private mutating func takeLine() -> Line {
    defer { (partial, isTooLong) = ([], false) }
    if isTooLong { return .tooLong }
    if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
    return .text(String(decoding: partial, as: UTF8.self))
  }
}
