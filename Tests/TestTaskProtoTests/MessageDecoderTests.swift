import TestTaskMessages
import TestTaskProto
import Testing
import UVNet
import UVNetTestKit

/// The streams of vectors.json once more, for the decoder that tasks use.
@Suite struct MessageDecoderTests {
  private let verifier = DecoderVerifier(
    maximumLength: FrameDecoder.defaultMaximumFrameLength + Varint32.maximumByteCount
  ) { MessageDecoder() }

  @Test("a stream gives the messages of the vector, however it comes", arguments: Vector.all)
  func vectors(_ vector: Vector) throws {
    let outcome = vector.outcome
    if let violation = outcome.violation {
      try verifier.verify(
        vector.bytes, gives: outcome.messages, then: .malformed(violation))
    } else {
      try verifier.verify(vector.bytes, gives: outcome.messages)
    }
  }

  @Test func `a payload may have as many bytes as are allowed`() throws {
    let payload: [UInt8] = [0x1A, 0]
    for (limit, isAllowed) in [(2, true), (1, false), (-5, false)] {
      let short = DecoderVerifier { MessageDecoder(maximumFrameLength: limit) }
      if isAllowed {
        try short.verify([2] + payload, gives: [.requestForFastResponse])
      } else {
        let violation = ProtocolViolation(kind: .frameTooLarge, offset: 0)
        try short.verify([2] + payload, gives: [], then: .malformed(violation))
      }
    }
  }
}
