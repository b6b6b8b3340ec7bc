/// Splits input that does not come from a terminal into lines.
///
/// A line ends at LF, at CRLF or at the end of input. A byte order mark before the first line,
/// which editors on Windows write, is dropped. A line longer than the limit is dropped while it is
/// read, so that memory stays bounded, and reported once.
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
  private var isFirstLine = true
  private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

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

  /// The last line, if it does not end with a line end.
  package mutating func finish() -> Line? {
    let isOnlyMark = isFirstLine && partial == Self.byteOrderMark
    return partial.isEmpty && !isTooLong || isOnlyMark ? nil : takeLine()
  }

  private mutating func keep(_ bytes: ArraySlice<UInt8>) {
    if partial.count + bytes.count > Self.limit { isTooLong = true }
    if isTooLong { partial = [] } else { partial += bytes }
  }

  private mutating func takeLine() -> Line {
    defer { (partial, isTooLong, isFirstLine) = ([], false, false) }
    if isTooLong { return .tooLong }
    if isFirstLine, partial.starts(with: Self.byteOrderMark) { partial.removeFirst(3) }
    if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
    return .text(String(decoding: partial, as: UTF8.self))
  }
}
