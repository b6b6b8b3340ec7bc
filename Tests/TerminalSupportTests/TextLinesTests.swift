import TestTaskTerminalSupport
import Testing

@Suite struct TextLinesTests {
  @Test(
    "a text is cut into the lines that a reader of the whole finds",
    arguments: [
      "", "\n", "a", "a\n", "a\r\nb", "\u{FEFF}a\n\u{FEFF}b\n\nc", "\u{FEFF}", "\u{FEFF}\n",
      String(repeating: "x", count: 70_000) + "\nb",
    ])
  func lines(text: String) {
    var reader = LineReader()
    let expected = reader.feed(Array(text.utf8)) + [reader.finish()].compactMap(\.self)
    var lines = TextLines(Array(text.utf8))
    var found: [LineReader.Line] = []
    while let line = lines.next() { found.append(line) }
    #expect(found == expected)
    #expect(lines.next() == nil)
  }
}
