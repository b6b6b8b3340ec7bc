/// One line for the runner, and where it came from.
struct ScriptLine: Hashable {
  /// nil when it was too long to be kept.
  var text: String?
  /// For messages, such as `-e` or `demo.txt:3`; nil at the prompt.
  var source: String?

  /// The lines of a whole text, numbered from 1.
  static func lines(of bytes: [UInt8], named name: String) -> [ScriptLine] {
    var reader = LineReader()
    let lines = reader.feed(bytes) + [reader.finish()].compactMap(\.self)
    return lines.enumerated().map { ScriptLine($0.element, source: "\(name):\($0.offset + 1)") }
  }

  init(text: String?, source: String? = nil) {
    self.text = text
    self.source = source
  }

  init(_ line: LineReader.Line, source: String?) {
    if case .text(let text) = line { self.text = text }
    self.source = source
  }
}
