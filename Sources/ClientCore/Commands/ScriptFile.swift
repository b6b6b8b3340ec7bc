import TestTaskTerminalSupport

/// The commands of a file, which is cut into lines one at a time.
package struct ScriptFile {
  private let name: String
  private var lines: TextLines
  private var number = 0

  /// A file with its content; the name is for messages.
  package init(name: String, content: [UInt8]) {
    self.name = name
    lines = TextLines(content)
  }

  mutating func next() -> ScriptLine? {
    guard let line = lines.next() else { return nil }
    number += 1
    return ScriptLine(line, source: "\(name):\(number)")
  }
}
