import TestTaskProto
import Testing

/// What a peer can make the decoder do: the limit on a frame (P5) and the memory behind it.
@Suite("Frame decoder, limits")
struct FrameDecoderLimitTests {
  private func prefix(_ length: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    Varint32.append(length, to: &bytes)
    return bytes
  }

  @Test("a frame of exactly the limit passes", arguments: [0, 1, 127, 128, 300, 65536])
  func atLimit(limit: Int) throws {
    let frame = prefix(UInt32(limit)) + [UInt8](repeating: 7, count: limit)
    for cut in [0, 1, 2, 3, limit / 2, frame.count - 1, frame.count] {
      let cut = min(cut, frame.count)
      var decoder = FrameDecoder(maximumFrameLength: limit)
      var lengths: [Int] = []
      for piece in [0..<cut, cut..<frame.count] {
        _ = try decoder.decode(frame.span.bytes.extracting(piece)) { payload in
          lengths.append(payload.byteCount)
          return .proceed
        }
      }
      #expect(lengths == [limit], "cut at \(cut)")
    }
  }

  @Test(
    "a longer one is refused as soon as its prefix is complete",
    arguments: [
      (0, 1), (1, 2), (127, 128), (300, 301), (65536, 65537), (65536, .max), (0, .max),
    ] as [(Int, UInt32)])
  func overLimit(limit: Int, length: UInt32) throws {
    let prefix = prefix(length)
    let violation = ProtocolViolation(kind: .frameTooLarge, offset: 0)
    for cut in 0..<prefix.count {
      var decoder = FrameDecoder(maximumFrameLength: limit)
      _ = try decoder.decode(prefix.span.bytes.extracting(0..<cut)) { _ in .proceed }
      #expect(throws: violation) {
        _ = try decoder.decode(prefix.span.bytes.extracting(cut..<prefix.count)) { _ in .proceed }
      }
      #expect(decoder.bufferCapacity == 0)
    }
  }

  @Test("a limit that a prefix cannot say is brought into range")
  func clampedLimit() {
    #expect(FrameDecoder().maximumFrameLength == 65536)
    #expect(FrameDecoder(maximumFrameLength: 10).maximumFrameLength == 10)
    #expect(FrameDecoder(maximumFrameLength: -1).maximumFrameLength == 0)
    #expect(FrameDecoder(maximumFrameLength: .min).maximumFrameLength == 0)
    #expect(FrameDecoder(maximumFrameLength: .max).maximumFrameLength == Int(UInt32.max))
  }

  @Test("a peer that announces much and sends little costs little")
  func announcedOnly() throws {
    var decoder = FrameDecoder(maximumFrameLength: .max)
    _ = try decoder.decode(prefix(.max).span.bytes) { _ in .proceed }
    #expect(decoder.bufferCapacity < 64)
    _ = try decoder.decode([UInt8](repeating: 0, count: 1000).span.bytes) { _ in .proceed }
    #expect(decoder.bufferCapacity < 2500)
  }

  @Test("memory follows what has come and stops at the frame's size")
  func growth() throws {
    var decoder = FrameDecoder()
    let frame = prefix(65536) + [UInt8](repeating: 0, count: 65536)
    var received = 0
    while received < frame.count - 1 {
      let end = min(received + 100, frame.count - 1)
      _ = try decoder.decode(frame.span.bytes.extracting(received..<end)) { _ in .proceed }
      received = end
      // Allocators round up; that is the slack.
      try #require(decoder.bufferCapacity <= min(2 * received, frame.count) + 128)
    }
    #expect(decoder.isInsideFrame)
  }

  @Test("nothing is kept after a frame, however large it was", arguments: [0, 1, 40])
  func bufferDropped(bytesBehind: Int) throws {
    var decoder = FrameDecoder()
    let frame = prefix(60000) + [UInt8](repeating: 0, count: 60000)
    _ = try decoder.decode(frame.span.bytes.extracting(0..<50000)) { _ in .proceed }
    #expect(decoder.bufferCapacity >= 50000)
    let rest = Array(frame[50000...]) + [UInt8](repeating: 100, count: bytesBehind)
    _ = try decoder.decode(rest.span.bytes) { _ in .proceed }
    #expect(decoder.isInsideFrame == (bytesBehind > 0))
    #expect(bytesBehind == 0 ? decoder.bufferCapacity == 0 : decoder.bufferCapacity < 128)
  }

  @Test("an idle decoder is 24 bytes and holds no memory")
  func idle() {
    #expect(MemoryLayout<FrameDecoder>.stride <= 24)
    #expect(FrameDecoder().bufferCapacity == 0)
  }
}
