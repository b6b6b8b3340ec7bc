import TestTaskProto
import Testing

@testable import TestTaskClientCore

@Suite struct AnswerReaderTests {
  /// What comes of bytes that come in pieces of one size.
  private func read(_ bytes: [UInt8], pieces: Int) -> (answers: [Answer], violation: Violation?) {
    var reader = AnswerReader()
    var answers: [Answer] = []
    var rest = bytes[...]
    do throws(Violation) {
      while !rest.isEmpty {
        try reader.read(Array(rest.prefix(pieces)).span.bytes) { answer in
          answers.append(answer)
          return .proceed
        }
        rest = rest.dropFirst(pieces)
      }
      try reader.finish()
      return (answers, nil)
    } catch {
      return (answers, error)
    }
  }

  private static let good = Answer.slow(connectedClients: 3).frame

  @Test(
    "a violation shows the bytes of its frame, however they came",
    arguments: [
      ([0x00], .noField, [0x00]),
      ([0x04, 0x1a, 0x00, 0x1a, 0x00], .malformedMessage, []),
      ([0x80, 0x80, 0x80, 0x80, 0x80, 0x01], .malformedLength, []),
      ([0x02, 0x1a, 0x00], .unexpectedMessage, [0x02, 0x1a, 0x00]),
      ([0x05, 0x12], .truncated, [0x05, 0x12]),
    ] as [([UInt8], ProtocolViolation.Kind, [UInt8])])
  func excerpts(bad: [UInt8], kind: ProtocolViolation.Kind, excerpt: [UInt8]) throws {
    for pieces in 1...9 {
      let (answers, violation) = read(Self.good + bad, pieces: pieces)
      #expect(answers == [.slow(connectedClients: 3)])
      let found = try #require(violation)
      #expect(found.offset == UInt64(Self.good.count))
      if !excerpt.isEmpty { #expect(found.kind == kind && found.excerpt == excerpt) }
      // How much had come depends on the pieces.
      #expect(bad.starts(with: found.excerpt))
      #expect(!found.excerpt.isEmpty)
    }
  }

  @Test("an excerpt is short, and printed as hexadecimal digits")
  func longExcerpt() throws {
    let bytes = [0xff, 0xff, 0xff, 0xff, 0x0f] + [UInt8](repeating: 10, count: 100)
    let violation = try #require(read(bytes, pieces: 1000).violation)
    #expect(violation.kind == .frameTooLarge)
    #expect(violation.excerpt == Array(bytes.prefix(Violation.excerptLimit)))
    #expect(violation.hexExcerpt().hasPrefix("ffffffff0f0a0a"))
    #expect(violation.hexExcerpt(separator: " ").hasPrefix("ff ff ff ff 0f 0a"))
  }

  @Test("no violation is told to people by a name of the code")
  func words() {
    for kind in ProtocolViolation.Kind.allCases {
      let violation = Violation(kind: kind, offset: 7)
      #expect(violation.description.hasSuffix(", at byte 7"))
      #expect(!violation.description.contains(kind.rawValue))
      #expect(violation.name == kind.rawValue)
    }
  }

  @Test("it knows how much of an answer has come")
  func incomplete() throws {
    var reader = AnswerReader()
    for (index, byte) in (Self.good + Self.good).enumerated() {
      try reader.read([byte].span.bytes) { _ in .proceed }
      #expect(reader.incompleteByteCount == (index + 1) % Self.good.count)
    }
  }
}
