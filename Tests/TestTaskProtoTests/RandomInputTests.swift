import TestTaskProto
import Testing
import UVNetTestKit

/// A million random inputs in all; none may trap, and what they give must agree.
@Suite("Random input")
struct RandomInputTests {
  @Test("a valid stream gives its messages wherever it is cut", arguments: seeds)
  func recut(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for round in 0..<3000 {
      let messages = (0..<random.below(12)).map { _ in random.message() }
      var stream: [UInt8] = []
      for message in messages { message.appendFrame(to: &stream) }
      let cuts = random.cuts(of: stream)
      guard Outcome(receiving: stream, cutAt: cuts) == Outcome(messages: messages) else {
        Issue.record("seed \(seed), round \(round): \(stream.hex) cut at \(cuts)")
        return
      }
    }
  }

  @Test("a damaged stream never traps and gives the same wherever it is cut", arguments: seeds)
  func damaged(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for round in 0..<50000 {
      let stream = random.stream()
      let cuts = random.cuts(of: stream)
      guard Outcome(receiving: stream, cutAt: cuts) == Outcome(receiving: stream) else {
        Issue.record("seed \(seed), round \(round): \(stream.hex) cut at \(cuts)")
        return
      }
    }
  }

  @Test("a payload never traps and means what protobuf says", arguments: seeds)
  func payloads(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for round in 0..<190000 {
      let payload = random.payload()
      let verdict = verdict(of: payload, Message.init(decoding:))
      let authority = self.verdict(of: payload, Message.init(decodingByProtobuf:))
      guard verdict == authority else {
        Issue.record("seed \(seed), round \(round): \(payload.hex) \(verdict) \(authority)")
        return
      }
    }
  }

  @Test("any short payload means what protobuf says")
  func everyShortPayload() {
    for first in UInt8.min ... .max {
      for second in UInt8.min ... .max {
        let payload = [first, second]
        let verdict = verdict(of: payload, Message.init(decoding:))
        let authority = self.verdict(of: payload, Message.init(decodingByProtobuf:))
        guard verdict == authority else {
          Issue.record("\(payload.hex) \(verdict) \(authority)")
          return
        }
      }
    }
  }

  private func verdict(
    of payload: [UInt8], _ decode: (RawSpan) throws(ProtocolViolation.Kind) -> Message
  ) -> Result<Message, ProtocolViolation.Kind> {
    Result { () throws(ProtocolViolation.Kind) in try decode(payload.span.bytes) }
  }
}

extension SplitMix64 {
  /// Where to cut a stream: nowhere, everywhere, or at a few places.
  fileprivate mutating func cuts(of stream: [UInt8]) -> [Int] {
    switch below(4) {
    case 0: []
    case 1: Array(stream.indices)
    default: (0..<below(6)).map { _ in below(stream.count + 1) }.sorted()
    }
  }
}
