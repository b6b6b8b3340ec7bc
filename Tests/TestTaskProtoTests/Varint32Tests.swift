import TestTaskProto
import Testing
import UVNetTestKit

@Suite("Length prefixes")
struct Varint32Tests {
  @Test(
    "a number at the edge of a length round-trips in the fewest bytes",
    arguments: [
      (0, 1), (1, 1), (127, 1), (128, 2), (16383, 2), (16384, 3), (2_097_151, 3), (2_097_152, 4),
      (268_435_455, 4), (268_435_456, 5), (UInt32.max, 5),
    ] as [(UInt32, Int)])
  func roundTrip(_ value: UInt32, _ byteCount: Int) throws {
    var bytes: [UInt8] = []
    Varint32.append(value, to: &bytes)
    #expect(bytes.count == byteCount)
    #expect(Varint32.byteCount(of: value) == byteCount)
    let decoded = try #require(try Varint32.decode(bytes.span.bytes))
    #expect(decoded == (value, byteCount))
  }

  @Test("a number of any size round-trips", arguments: seeds)
  func randomRoundTrip(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<2000 {
      let value = UInt32(truncatingIfNeeded: random.next() >> UInt64(random.below(64)))
      var bytes: [UInt8] = [0xFF]
      Varint32.append(value, to: &bytes)
      let decoded = try #require(try Varint32.decode(bytes.span.bytes, at: 1))
      try #require(decoded == (value, bytes.count - 1))
    }
  }

  @Test(
    "a form that is longer than needed is accepted up to five bytes",
    arguments: [
      ("8200", 2, 2), ("828000", 2, 3), ("82808000", 2, 4), ("8280808000", 2, 5),
      ("8080808000", 0, 5),
    ] as [(String, UInt32, Int)])
  func overlong(_ hex: String, _ value: UInt32, _ byteCount: Int) throws {
    let bytes = try [UInt8](hex: hex)
    let decoded = try #require(try Varint32.decode(bytes.span.bytes))
    #expect(decoded == (value, byteCount))
  }

  @Test(
    "a value above 32 bits or a sixth byte is malformed",
    arguments: ["ffffffff10", "808080807f", "8080808080", "808080808000", "ffffffffff"])
  func malformed(_ hex: String) throws {
    let bytes = try [UInt8](hex: hex)
    #expect(throws: ProtocolViolation.Kind.malformedLength) {
      _ = try Varint32.decode(bytes.span.bytes)
    }
  }

  @Test("an incomplete form gives nil", arguments: ["", "80", "ff80", "808080", "ffffffff"])
  func incomplete(_ hex: String) throws {
    let bytes = try [UInt8](hex: hex)
    #expect(try Varint32.decode(bytes.span.bytes) == nil)
    #expect(try Varint32.decode(bytes.span.bytes, at: bytes.count) == nil)
  }
}
