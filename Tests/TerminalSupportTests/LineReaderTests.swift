import Testing

@testable import TestTaskTerminalSupport

@Suite struct LineReaderTests {
  private func read(_ text: String, pieces: Int = .max) -> [LineReader.Line] {
    var reader = LineReader()
    var lines: [LineReader.Line] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      lines += reader.feed(Array(rest.prefix(pieces)))
      rest = rest.dropFirst(pieces)
    }
    return lines + [reader.finish()].compactMap(\.self)
  }

  @Test("lines survive any cut of the input", arguments: [1, 2, 3, Int.max])
  func cuts(pieces: Int) {
    let lines = read("fast\r\n\nslow 1\na\0b\né\nlast", pieces: pieces)
    #expect(lines == ["fast", "", "slow 1", "a\0b", "é", "last"].map { .text($0) })
  }

  @Test("a byte order mark before the first line is no part of it", arguments: [1, 2, 3, Int.max])
  func byteOrderMark(pieces: Int) {
    let mark = "\u{feff}"
    #expect(read("\(mark)fast\nslow 1", pieces: pieces) == [.text("fast"), .text("slow 1")])
    #expect(read(mark, pieces: pieces) == [])
    #expect(read("\(mark)\nfast", pieces: pieces) == [.text(""), .text("fast")])
    // Anywhere else it is a character as any other.
    #expect(read("a\n\(mark)b", pieces: pieces) == [.text("a"), .text("\(mark)b")])
  }

  @Test("a huge line is one error and costs no memory")
  func huge() {
    let long = String(repeating: "x", count: LineReader.limit + 1)
    let longest = String(repeating: "x", count: LineReader.limit)
    for pieces in [1000, Int.max] {
      #expect(read("a\n\(longest)\nb", pieces: pieces) == ["a", longest, "b"].map { .text($0) })
      #expect(
        read("a\n\(long)\(long)\nb\n\(long)", pieces: pieces) == [
          .text("a"), .tooLong, .text("b"), .tooLong,
        ])
    }
  }

  @Test("invalid UTF-8 is replaced, not fatal")
  func invalid() {
    var reader = LineReader()
    let lines = reader.feed([0xFF, 0x61, 0x0A])
    #expect(lines == [.text("\u{FFFD}a")])
  }
}
