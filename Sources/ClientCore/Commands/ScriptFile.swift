/// The commands of a file, which is split into lines one at a time.
///
/// Splitting a file of 64 MiB at once would take seconds and ten times its memory.
package struct ScriptFile {
  private let name: String
  private let read: () -> ScriptLine.Content?
  private var number = 0

  /// A file whose next line `read` returns, nil after the last; the name is for messages.
  package init(name: String, read: @escaping () -> ScriptLine.Content?) {
    (self.name, self.read) = (name, read)
  }

  mutating func next() -> ScriptLine? {
    guard let content = read() else { return nil }
    number += 1
    return ScriptLine(content, source: "\(name):\(number)")
  }
}
