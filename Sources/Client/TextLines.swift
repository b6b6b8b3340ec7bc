import TestTaskClientCore
import TestTaskTerminalSupport

/// The lines of a whole text, cut one by one.
struct TextLines {
  private let bytes: [UInt8]
  private var position = 0
  private var reader = LineReader()

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next line; nil after the last.
  mutating func next() -> LineReader.Line? {
    guard position < bytes.count else { return reader.finish() }
    let rest = bytes[position...]
    let end = rest.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
    position = end
    return reader.feed(Array(rest[..<end])).first ?? reader.finish()
  }
}

extension ScriptLine.Content {
  init(_ line: LineReader.Line) {
    switch line {
    case .text(let text): self = .text(text)
    case .tooLong: self = .tooLong(limit: LineReader.limit)
    }
  }
}
