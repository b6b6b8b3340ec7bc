/// One line for the runner, and where it came from.
package struct ScriptLine: Hashable {
  /// What was read.
  package enum Content: Hashable {
    case text(String)
    /// Too long to be kept.
    case tooLong(limit: Int)
  }

  var content: Content
  /// For messages of a script, such as `-e` or `demo.txt:3`.
  var source: String?

  /// A line from a source.
  package init(_ content: Content, source: String? = nil) {
    (self.content, self.source) = (content, source)
  }
}
