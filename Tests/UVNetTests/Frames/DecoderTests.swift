import Testing
import UVNet
import UVNetTestKit

@Suite struct LineDecoderTests {
  private let lines = DecoderVerifier(maximumLength: 8) { .lines }

  @Test func `lines end with a line feed, or with a carriage return before it`() throws {
    try lines.verify("one\ntwo\r\n\n\r\na\rb\n", gives: ["one", "two", "", "", "a\rb"])
    try lines.verify("", gives: [])
    try lines.verify([0xFF, 0x0A], gives: ["\u{FFFD}"])
  }

  @Test func `a line that does not end is an error, however it comes`() throws {
    try lines.verify("one\ntwo", gives: ["one"], then: .truncated(byteCount: 3))
    try lines.verify("\r", gives: [], then: .truncated(byteCount: 1))
  }

  @Test func `a line of the most bytes is given, and of one more an error, however it comes`()
    throws
  {
    try lines.verify("1234567\n123456\r\n", gives: ["1234567", "123456"])
    try lines.verify("a\n12345678\nb\n", gives: ["a"], then: .tooLong(maximumLength: 8))
    try lines.verify("1234567\r\n", gives: [], then: .tooLong(maximumLength: 8))
    // Nobody can tell whether more would have come.
    try lines.verify("12345678", gives: [], then: .tooLong(maximumLength: 8))
  }

  @Test func `the end of the stream ends a line where that is accepted`() throws {
    let lenient = DecoderVerifier(maximumLength: 8) {
      LineDecoder(acceptsUnterminatedLine: true) { String(decoding: $0) }
    }
    try lenient.verify("one\ntwo", gives: ["one", "two"])
    try lenient.verify("one\n", gives: ["one"])
    try lenient.verify("12345678901", gives: [], then: .tooLong(maximumLength: 8))
  }

  @Test func `a line that is refused ends the stream`() throws {
    struct NotUTF8: Error, Equatable {}
    let strict = DecoderVerifier {
      LineDecoder { (bytes) throws(NotUTF8) in
        guard let line = String(validating: bytes) else { throw NotUTF8() }
        return line
      }
    }
    try strict.verify([0x61, 0x0A, 0xFF, 0x0A], gives: ["a"], then: .malformed(NotUTF8()))
  }
}

@Suite struct Varint32DecoderTests {
  private let payloads = DecoderVerifier(maximumLength: 130) { .varint32 }

  @Test func `payloads come out as they went in, however they come`() throws {
    let long = [UInt8](repeating: 7, count: 128)
    try payloads.verify(
      [0, 1, 9, 0x80, 1] + long + [0x82, 0x80, 0x80, 0x80, 0, 5, 6],
      gives: [[], [9], long, [5, 6]])
  }

  @Test func `a length over the limit is an error before any of the payload`() throws {
    try payloads.verify([0x81, 1], gives: [], then: .tooLong(maximumLength: 130))
    try payloads.verify(
      [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], gives: [], then: .tooLong(maximumLength: 130))
  }

  @Test func `a length of more than 32 bits or five bytes is malformed`() throws {
    for last in [0x10, 0x80, 0xFF] as [UInt8] {
      try payloads.verify(
        [1, 9, 0x80, 0x80, 0x80, 0x80, last, 1], gives: [[9]], then: .malformed(MalformedLength()))
    }
  }

  @Test func `an end inside a length or a payload is told apart from one between frames`() throws {
    try payloads.verify([1, 9, 0x80], gives: [[9]], then: .truncated(byteCount: 1))
    try payloads.verify([1, 9, 2, 1], gives: [[9]], then: .truncated(byteCount: 2))
  }
}

@Suite struct DecoderVerifierTests {
  /// Two bytes, big-endian.
  private struct Pairs: Decoding {
    enum Fault { case none, asksForTooMuch, remembersWrongly, needsAllAtOnce }
    var fault = Fault.none
    var seen = 0

    mutating func decode(_ bytes: RawSpan) -> Decoded<[UInt8]> {
      defer { seen += 1 }
      if fault == .remembersWrongly, seen == 1 {
        return .frame([0], consumed: 1)
      }
      if fault == .needsAllAtOnce, bytes.byteCount == 3 {
        return .frame([UInt8](bytes), consumed: 3)
      }
      guard bytes.byteCount >= 2 else {
        return fault == .asksForTooMuch ? .needs(byteCount: 3) : .needMore
      }
      return .frame([UInt8](bytes.extracting(first: 2)), consumed: 2)
    }
  }

  @Test func `a decoder that depends on the pieces is found, with the pieces that show it`() throws
  {
    func failure(_ fault: Pairs.Fault) -> String? {
      do throws(DecoderVerifier<Pairs>.Failure) {
        try DecoderVerifier { Pairs(fault: fault) }.verify(
          [1, 2, 3, 4], gives: [[1, 2], [3, 4]])
        return nil
      } catch {
        return error.description
      }
    }
    #expect(failure(.none) == nil)
    #expect(
      failure(.asksForTooMuch) == "in pieces of [1, 1, 1, 1]: asked for 3 bytes of a frame of 2")
    #expect(
      failure(.remembersWrongly)
        == "in pieces of [4]: [[1, 2], [0]], then the stream ended at byte 1 of a frame; "
        + "expected: [[1, 2], [3, 4]]")
    #expect(
      failure(.needsAllAtOnce)
        == "in pieces of [3, 1]: [[1, 2, 3]], then the stream ended at byte 1 of a frame; "
        + "expected: [[1, 2], [3, 4]]")
  }
}
