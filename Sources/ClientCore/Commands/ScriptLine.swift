import TestTaskTerminalSupport

/// One line for the runner, and where it came from.
struct ScriptLine: Hashable {
  var content: LineReader.Line
  /// For messages of a script, such as `-e` or `demo.txt:3`.
  var source: String?

  /// A line from a source.
  init(_ content: LineReader.Line, source: String? = nil) {
    (self.content, self.source) = (content, source)
  }
}
