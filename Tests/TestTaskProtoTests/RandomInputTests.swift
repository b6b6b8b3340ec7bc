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

  @Test("a payload of many, nested and repeated fields means what protobuf says", arguments: seeds)
  func fieldsByGrammar(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var accepted = 0
    for round in 0..<20_000 {
      let payload = random.wrapperByGrammar()
      let verdict = verdict(of: payload, Message.init(decodingWrapper:))
      let authority = self.verdict(of: payload, Message.init(decodingByProtobuf:))
      guard verdict == authority else {
        Issue.record("seed \(seed), round \(round): \(payload.hex) \(verdict) \(authority)")
        return
      }
      if case .success = verdict { accepted += 1 }
    }
    // Neither only good ones nor only bad ones.
    #expect((2_000...18_000).contains(accepted), "\(accepted)")
  }

  @Test("groups may be nested as deep as protobuf allows, and no deeper", arguments: 95...103)
  func nestedGroups(depth: Int) {
    for tail in [[], [0x1A, 0x00]] as [[UInt8]] {
      let groups =
        [UInt8](repeating: 0x2B, count: depth) + [UInt8](repeating: 0x2C, count: depth)
      for payload in [tail + groups, tail + [0x1A] + varint(groups.count) + groups] {
        let verdict = verdict(of: payload, Message.init(decodingWrapper:))
        #expect(verdict == self.verdict(of: payload, Message.init(decodingByProtobuf:)))
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

/// A varint in its shortest form.
private func varint(_ number: Int) -> [UInt8] {
  var bytes: [UInt8] = []
  Varint32.append(UInt32(truncatingIfNeeded: number), to: &bytes)
  return bytes
}

extension SplitMix64 {
  /// The fields of a wrapper as a grammar makes them, most often well formed.
  fileprivate mutating func wrapperByGrammar() -> [UInt8] {
    let only = below(4) + 1
    var payload: [UInt8] = []
    for _ in 0..<below(5) {
      // The same field again, most often, so that merging is what decides.
      let number = below(6) == 0 ? below(6) : only
      payload +=
        below(8) == 0
        ? unknownField(depth: 0) : tag(number, 2) + lengthPrefixed(content(of: number))
    }
    if below(12) == 0, !payload.isEmpty { payload.removeLast(below(payload.count)) }
    if below(12) == 0, !payload.isEmpty { payload[below(payload.count)] = UInt8(below(256)) }
    return payload
  }

  private mutating func content(of number: Int) -> [UInt8] {
    var content: [UInt8] = []
    for _ in 0..<below(4) {
      switch below(6) {
      case 0: content += unknownField(depth: 0)
      case 1...4 where number == 1:
        content += tag(1, 2) + lengthPrefixed([[], [0x41], [0xC3, 0xA4], [0xFF]][below(4)])
      default: content += tag(1, 0) + longVarint()
      }
    }
    return content
  }

  private mutating func unknownField(depth: Int) -> [UInt8] {
    let number = [1, 5, 15, 16, 2_047, 100_000, 536_870_911][below(7)]
    switch below(6) {
    case 0: return tag(number, 1) + (0..<8).map { _ in UInt8(below(256)) }
    case 1: return tag(number, 2) + lengthPrefixed((0..<below(5)).map { _ in UInt8(below(256)) })
    case 2 where depth < 4:
      var group = tag(number, 3)
      for _ in 0..<below(3) { group += unknownField(depth: depth + 1) }
      return group + tag(below(10) == 0 ? number + 1 : number, 4)
    case 3: return tag(number, 5) + (0..<4).map { _ in UInt8(below(256)) }
    case 4: return tag(number, below(8)) + [0]
    default: return tag(number, 0) + longVarint()
    }
  }

  /// A tag, now and then longer than it need be.
  private mutating func tag(_ number: Int, _ type: Int) -> [UInt8] {
    padded(varint(number << 3 | type), by: below(20) == 0 ? below(8) : 0)
  }

  private mutating func lengthPrefixed(_ content: [UInt8]) -> [UInt8] {
    padded(varint(content.count), by: below(20) == 0 ? below(8) : 0) + content
  }

  /// A varint of one to eleven bytes; ten are the most that are legal.
  private mutating func longVarint() -> [UInt8] {
    var bytes = (0..<below(below(6) == 0 ? 11 : 5)).map { _ in UInt8(below(256)) | 0x80 }
    bytes.append(UInt8(below(128)))
    return bytes
  }

  private func padded(_ varint: [UInt8], by count: Int) -> [UInt8] {
    guard count > 0, let last = varint.last else { return varint }
    return varint.dropLast() + [last | 0x80] + [UInt8](repeating: 0x80, count: count - 1) + [0]
  }

  /// Where to cut a stream: nowhere, everywhere, or at a few places.
  fileprivate mutating func cuts(of stream: [UInt8]) -> [Int] {
    switch below(4) {
    case 0: []
    case 1: Array(stream.indices)
    default: (0..<below(6)).map { _ in below(stream.count + 1) }.sorted()
    }
  }
}
