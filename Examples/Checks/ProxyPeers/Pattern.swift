/// What the sender sends: a word's value is its position, so that a lost, repeated or moved byte
/// shows.
struct Pattern {
  private var position: UInt64 = 0

  /// The next bytes of the stream.
  mutating func next(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for _ in 0..<count {
      bytes.append(Self.byte(at: position))
      position += 1
    }
    return bytes
  }

  /// Whether `bytes` are the next of the stream.
  mutating func matches(_ bytes: RawSpan) -> Bool {
    var isRight = true
    for offset in 0..<bytes.byteCount {
      let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      isRight = isRight && byte == Self.byte(at: position)
      position += 1
    }
    return isRight
  }

  /// Prime strides, so that the pattern fits no buffer's size.
  private static func byte(at position: UInt64) -> UInt8 {
    UInt8(truncatingIfNeeded: position ^ (position >> 8) &* 31 ^ (position >> 16) &* 17)
  }
}
