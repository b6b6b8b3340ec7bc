import TestTaskTerminalSupport

/// One line for the runner, and where it came from.
struct ScriptLine: Hashable {
  /// nil when it was too long to be kept.
  var text: String?
  /// For messages of a script, such as `-e` or `demo.txt:3`.
  var source: String?

  /// The lines of a whole text, numbered from 1.
  static func lines(of bytes: [UInt8], named name: String) -> [ScriptLine] {
    LineReader.lines(of: bytes).enumerated().map { index, line in
      ScriptLine(line, source: "\(name):\(index + 1)")
    }
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
