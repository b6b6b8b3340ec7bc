import Testing

@testable import TestTaskDaemonSupport

@Suite struct INITextTests {
  private func parse(_ text: String) -> INIText { INIText(parsing: Array(text.utf8)) }

  @Test func `an entry has its section, its value and both places`() {
    let text = parse("[server]\n  port =  80\n")
    #expect(text.problems.isEmpty)
    #expect(text.sections == [.init(name: "server", place: .init(line: 1, column: 1))])
    #expect(
      text.entries == [
        .init(
          section: "server", key: "port", value: "80",
          keyPlace: .init(line: 2, column: 3), valuePlace: .init(line: 2, column: 11))
      ])
  }

  @Test func `a byte order mark and CRLF are not part of anything`() {
    let text = INIText(
      parsing: [0xEF, 0xBB, 0xBF] + Array("[server]\r\nport = 80\r\n\r\n".utf8))
    #expect(text.problems.isEmpty)
    #expect(text.entries.map(\.value) == ["80"])
    #expect(text.sections.first?.place == .init(line: 1, column: 1))
  }

  @Test(arguments: [
    ("k = v # c", "v"), ("k = v ; c", "v"), ("k = v\t# c", "v"), ("k = a#b;c", "a#b;c"),
    ("k =", ""), ("k = # c", ""), ("k =#v", "#v"), ("k=v", "v"), ("k = a = b", "a = b"),
    ("k = \"a # b ; c\"", "a # b ; c"), ("k = \"v\" # c", "v"), ("k = \"\"", ""),
    ("k = \" v \"", " v "), ("k = größe", "größe"), ("k = a\"b", "a\"b"),
  ])
  func `comments begin after a blank and quotes keep everything`(line: String, value: String) {
    let text = parse("[s]\n" + line)
    #expect(text.problems.isEmpty)
    #expect(text.entries.map(\.value) == [value])
  }

  @Test(arguments: ["", "# c", "; c", "   # c", "\t", "[s] # c", "[ s ]"])
  func `comments and empty lines say nothing`(line: String) {
    #expect(parse(line).problems.isEmpty)
    #expect(parse(line).entries.isEmpty)
  }

  @Test(arguments: [
    ("[s]\nstray", 2, 1), ("[s", 1, 1), ("  [s] x", 1, 7), ("[s]#c", 1, 4),
    ("[s]\nk = \"v", 2, 5), ("[s]\nk = \"v\" x", 2, 9), ("[s]\nk = \"v\"#c", 2, 8),
    ("k = v", 1, 1), ("[s]\n= v", 2, 1), ("[s]\nä = \u{1}", 2, 5), ("[s]\nk = \0", 2, 5),
  ])
  func `what is neither section, entry nor comment is reported in its place`(
    content: String, line: Int, column: Int
  ) {
    #expect(parse(content).problems.map(\.place) == [.init(line: line, column: column)])
  }

  @Test func `bytes that are not UTF-8 are reported and reading goes on`() {
    let text = INIText(parsing: Array("[s]\nk = ".utf8) + [0xFF, 0x0A] + Array("l = 1".utf8))
    #expect(text.problems == [.init(place: .init(line: 2, column: 5), message: "not valid UTF-8")])
    #expect(text.entries.map(\.key) == ["l"])
  }

  @Test func `random bytes never trap`() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("[]=\"#; \t\r\nab\u{E4}".utf8) + [0, 0xFF]
    for _ in 0..<2_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }
      _ = INIText(parsing: bytes)
    }
  }

  @Test(arguments: [
    "v", "", "a b", " v ", "a#b", "#v", "a ; b", "a\"b", "#a\"b", "a \"b\" c", "\t", "größe",
  ])
  func `a value as it is written reads back`(value: String) throws {
    let written = try #require(INIText.written(value))
    let text = parse("[s]\nk =\(written)  # comment")
    #expect(text.problems.isEmpty)
    #expect(text.entries.map(\.value) == [value])
  }

  @Test(arguments: ["a\"b #c", "\"", "\"a\"", " a\"", "a\" ", "a\nb", "a\r", "\u{7F}", "\0"])
  func `what no line can hold is not written`(value: String) {
    #expect(INIText.written(value) == nil)
  }

  @Test func `whatever is written reads back, of any characters`() throws {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("\"#; \tab\n=[".unicodeScalars)
    for _ in 0..<5_000 {
      var value = ""
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        value.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
      }
      guard let written = INIText.written(value) else { continue }
      #expect(parse("[s]\nk =\(written)").entries.map(\.value) == [value])
    }
  }
}
