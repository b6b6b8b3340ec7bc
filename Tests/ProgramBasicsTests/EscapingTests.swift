import Testing

@testable import TestTaskProgramBasics

@Suite struct EscapingTests {
  @Test(
    "what cannot be seen is shown escaped",
    arguments: [
      ("\u{feff}fast", #"\u{feff}fast"#), ("fa\u{200b}st", #"fa\u{200b}st"#),
      ("fast\u{a0}", #"fast\u{a0}"#), ("\u{3164}", #"\u{3164}"#), ("\u{2800}", #"\u{2800}"#),
      ("a\u{ad}b", #"a\u{ad}b"#), ("\u{e0041}", #"\u{e0041}"#), ("\u{2003}", #"\u{2003}"#),
      ("\u{202e}\u{1b}\u{9b}", #"\u{202e}\u{1b}\u{9b}"#),
    ])
  func invisible(text: String, shown: String) {
    #expect(text.escapedForTerminal == shown)
  }

  @Test(
    "what can be seen is shown as it is", arguments: ["a b", "größe 字", "☀\u{fe0f}", "e\u{301}"])
  func visible(text: String) {
    #expect(text.escapedForTerminal == text)
  }
}
