import TestTaskProto
import UVNetTestKit

/// Input that a peer might send: valid, almost valid, and anything at all.
extension SplitMix64 {
  mutating func message() -> Message {
    switch below(4) {
    case 0: .requestForFastResponse
    case 1: .requestForSlowResponse(timeInSecondsToSleep: number())
    case 2: .slowResponse(connectedClientCount: number())
    default: .fastResponse(currentDateTime: text())
    }
  }

  /// Numbers of all lengths are equally likely.
  mutating func number() -> UInt32 {
    UInt32(truncatingIfNeeded: next()) >> UInt32(below(32))
  }

  private mutating func text() -> String {
    let alphabet: [Character] = ["0", "T", ".", "\u{0}", "é", "ж", "€", "𝄞"]
    let length = below(10) == 0 ? below(400) : below(24)
    return String((0..<length).map { _ in alphabet[below(alphabet.count)] })
  }

  mutating func bytes(upTo count: Int) -> [UInt8] {
    (0..<below(count + 1)).map { _ in byte() }
  }

  /// A payload for ``Message``: random bytes, random fields, or a valid one with mutations.
  mutating func payload() -> [UInt8] {
    switch below(4) {
    case 0:
      return bytes(upTo: 12)
    case 1:
      return fields(depth: 0)
    default:
      var frame: [UInt8] = []
      message().appendFrame(to: &frame)
      var payload = Array(frame.drop { $0 >= 0x80 }.dropFirst())
      for _ in 0..<below(3) { mutate(&payload) }
      return payload
    }
  }

  /// A few frames, often damaged.
  mutating func stream() -> [UInt8] {
    if below(8) == 0 { return bytes(upTo: 24) }
    var stream: [UInt8] = []
    for _ in 0..<1 + below(4) { message().appendFrame(to: &stream) }
    for _ in 0..<below(4) { mutate(&stream) }
    return stream
  }

  /// Fields with numbers and types that a wrapper may know, and content that may fit them.
  private mutating func fields(depth: Int) -> [UInt8] {
    var fields: [UInt8] = []
    for _ in 0..<below(4) {
      let wireType = below(10) == 0 ? below(8) : [0, 2, 2, 2][below(4)]
      fields.append(UInt8(below(6) << 3 | wireType))
      switch wireType {
      case 0:
        fields += varint()
      case 2:
        let content = depth < 3 && below(3) > 0 ? self.fields(depth: depth + 1) : bytes(upTo: 4)
        fields.append(UInt8(truncatingIfNeeded: content.count))
        fields += content
      default:
        fields += bytes(upTo: 8)
      }
    }
    return fields
  }

  /// A varint of 1 to 11 bytes; 11 are too many for protobuf.
  private mutating func varint() -> [UInt8] {
    let length = below(4) == 0 ? 1 + below(11) : 1
    return (0..<length).map { byte() & 0x7F | ($0 < length - 1 ? 0x80 : 0) }
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    let position = below(bytes.count + 1)
    switch below(6) {
    case 0 where position < bytes.count:
      bytes[position] ^= 1 << UInt8(below(8))
    case 1 where position < bytes.count:
      bytes[position] = [0x00, 0x01, 0x7F, 0x80, 0xFF][below(5)]
    case 2 where position < bytes.count:
      bytes.remove(at: position)
    case 3:
      bytes.insert(byte(), at: position)
    case 4:
      bytes.removeSubrange(position...)
    default:
      bytes.append(contentsOf: Array(bytes[position...]))
    }
  }
}
