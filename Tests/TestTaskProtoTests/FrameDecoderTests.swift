import TestTaskProto
import Testing

@Suite("Frame decoder")
struct FrameDecoderTests {
  /// Decodes one piece and returns the payloads that it completes.
  private func payloads(
    of bytes: [UInt8], by decoder: inout FrameDecoder
  ) throws(ProtocolViolation) -> [[UInt8]] {
    var payloads: [[UInt8]] = []
    _ = try decoder.decode(bytes.span.bytes) { payload in
      payloads.append(payload.withUnsafeBytes { [UInt8]($0) })
      return .proceed
    }
    return payloads
  }

  @Test("any payload is handed on, protobuf or not")
  func anyPayload() throws {
    var decoder = FrameDecoder()
    #expect(try payloads(of: [3, 1, 2, 3, 0, 1, 0xFF], by: &decoder) == [[1, 2, 3], [], [0xFF]])
    #expect(!decoder.isInsideFrame)
    #expect(decoder.offset == 7)
  }

  @Test("the offset is that of the next frame, or of the incomplete one")
  func offset() throws {
    var decoder = FrameDecoder()
    #expect(decoder.offset == 0)
    _ = try payloads(of: [1, 7, 2, 8], by: &decoder)
    #expect(decoder.offset == 2)
    #expect(decoder.isInsideFrame)
    _ = try payloads(of: [9], by: &decoder)
    #expect(decoder.offset == 5)
    #expect(!decoder.isInsideFrame)
  }

  @Test("an empty read changes nothing")
  func emptyRead() throws {
    var decoder = FrameDecoder()
    #expect(try payloads(of: [], by: &decoder).isEmpty)
    #expect(!decoder.isInsideFrame)
    _ = try payloads(of: [2, 8], by: &decoder)
    #expect(try payloads(of: [], by: &decoder).isEmpty)
    #expect(try payloads(of: [9], by: &decoder) == [[8, 9]])
  }

  @Test("an empty frame with a long-winded prefix takes nothing of what follows", arguments: 0...7)
  func longPrefixOfNothing(cut: Int) throws {
    let stream: [UInt8] = [0x80, 0x80, 0x80, 0x00, 2, 7, 8]
    var decoder = FrameDecoder()
    var seen = try payloads(of: Array(stream[..<cut]), by: &decoder)
    seen += try payloads(of: Array(stream[cut...]), by: &decoder)
    #expect(seen == [[], [7, 8]])
    #expect(decoder.offset == 7)
  }

  @Test("a copy goes its own way")
  func valueSemantics() throws {
    var decoder = FrameDecoder()
    _ = try payloads(of: [2, 8], by: &decoder)
    var copy = decoder
    #expect(try payloads(of: [9], by: &copy) == [[8, 9]])
    #expect(try payloads(of: [1], by: &decoder) == [[8, 1]])
  }

  @Test("the end of the stream between frames is clean, however often it is said")
  func cleanEnd() throws {
    var decoder = FrameDecoder()
    _ = try payloads(of: [1, 7], by: &decoder)
    try decoder.finish()
    try decoder.finish()
  }

  @Test("the end of the stream inside a frame is a violation at the frame's offset")
  func truncatedEnd() throws {
    var decoder = FrameDecoder()
    _ = try payloads(of: [1, 7, 0x80], by: &decoder)
    let violation = ProtocolViolation(kind: .truncated, offset: 2)
    #expect(throws: violation) { try decoder.finish() }
    #expect(throws: violation) { try decoder.finish() }
    #expect(throws: violation) { _ = try payloads(of: [1], by: &decoder) }
    #expect(!decoder.isInsideFrame)
  }

  @Test("after a violation every call throws it again and nothing is decoded")
  func poisoned() throws {
    var decoder = FrameDecoder()
    let violation = ProtocolViolation(kind: .malformedLength, offset: 2)
    #expect(throws: violation) {
      _ = try payloads(of: [1, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0x10], by: &decoder)
    }
    #expect(throws: violation) { _ = try payloads(of: [1, 7], by: &decoder) }
    #expect(throws: violation) { _ = try payloads(of: [], by: &decoder) }
    #expect(throws: violation) { try decoder.finish() }
    #expect(decoder.offset == 2)
  }

  @Test("what the receiver does not want is a violation at that frame's offset", arguments: 0...8)
  func thrownByBody(cut: Int) throws {
    let stream: [UInt8] = [1, 7, 2, 8, 8, 1, 9, 1]
    var decoder = FrameDecoder()
    var seen = 0
    let violation = ProtocolViolation(kind: .unexpectedMessage, offset: 5)
    func receive(_ piece: RawSpan) throws(ProtocolViolation) {
      _ = try decoder.decode(piece) { payload throws(ProtocolViolation.Kind) in
        if payload.unsafeLoad(as: UInt8.self) == 9 { throw .unexpectedMessage }
        seen += 1
        return .proceed
      }
    }
    #expect(throws: violation) {
      try receive(stream.span.bytes.extracting(0..<cut))
      try receive(stream.span.bytes.extracting(cut..<stream.count))
    }
    #expect(throws: violation) { try receive([UInt8]().span.bytes) }
    #expect(seen == 2)
    #expect(decoder.bufferCapacity == 0)
  }
}
