/// The lines of a whole text, cut one by one as ``LineReader`` cuts them.
///
/// Cutting a text of 64 MiB at once would take seconds and ten times its memory.
package struct TextLines {
  private let bytes: [UInt8]
  private var position = 0
  private var reader = LineReader()

  /// The lines of a text that are to come.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next line; `nil` after the last.
  package mutating func next() -> LineReader.Line? {
    guard position < bytes.count else { return reader.finish() }
    let rest = bytes[position...]
    let end = rest.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
    position = end
    return reader.feed(Array(rest[..<end])).first ?? reader.finish()
  }
}
