import TestTaskProto
import Testing
import UVNetTestKit

/// Fast requests that are counted where they stand, instead of being decoded one by one.
@Suite("Run of fast requests")
struct FastRequestRunTests {
  private static let request: [UInt8] = [0x02, 0x1A, 0x00]

  @Test("what is counted is what decoding delivers, up to the first other frame", arguments: seeds)
  func countedAsDecoded(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for _ in 0..<5_000 {
      var stream: [UInt8] = []
      for _ in 0..<random.below(30) { stream += Self.request }
      if random.below(2) == 0 { stream += random.stream() }
      let most = random.below(32)
      let count = Message.fastRequests(leading: stream.span.bytes, atMost: most)

      var decoder = FrameDecoder()
      var fast = 0
      _ = try? decoder.decode(stream.span.bytes) { payload throws(ProtocolViolation.Kind) in
        guard try Message(decoding: payload) == .requestForFastResponse, fast < most else {
          return .stop
        }
        fast += 1
        return .proceed
      }
      // Longer encodings of a fast request are decoded and not counted.
      #expect(count <= fast)
      #expect(count <= most)
      let counted = stream.prefix(count * Message.fastRequestByteCount)
      #expect(counted.elementsEqual(Array(repeating: Self.request, count: count).joined()))
      let rest = stream.dropFirst(counted.count)
      #expect(count == most || !rest.starts(with: Self.request), "\(stream.hex)")
    }
  }

  @Test("a run ends at the first byte that differs, and at the most that is asked for")
  func runEnds() {
    for length in 0..<28 {
      let run = Array(Array(repeating: Self.request, count: length).joined())
      for most in 0..<30 {
        #expect(Message.fastRequests(leading: run.span.bytes, atMost: most) == min(length, most))
      }
      for position in run.indices {
        var stream = run
        stream[position] ^= 0x80
        #expect(Message.fastRequests(leading: stream.span.bytes, atMost: .max) == position / 3)
      }
    }
  }

  @Test("bytes that end inside a request are not counted", arguments: 0..<3)
  func partial(extra: Int) {
    let stream = Self.request + Self.request + Self.request.prefix(extra)
    #expect(Message.fastRequests(leading: stream.span.bytes, atMost: .max) == 2)
  }

  @Test("skipped frames count for the offset of a later violation")
  func offset() throws {
    let stream = Self.request + Self.request + [0x00]
    var decoder = FrameDecoder()
    let count = Message.fastRequests(leading: stream.span.bytes, atMost: .max)
    #expect(decoder.isBetweenFrames)
    decoder.skip(count * Message.fastRequestByteCount)
    let rest = stream.span.bytes.extracting(6..<7)
    #expect(throws: ProtocolViolation(kind: .noField, offset: 6)) {
      try decoder.decode(rest) { payload throws(ProtocolViolation.Kind) in
        _ = try Message(decoding: payload)
        return .proceed
      }
    }
    #expect(!decoder.isBetweenFrames, "a decoder that has found a violation is at no frame's start")
  }

  @Test("inside a frame a decoder is not between frames")
  func insideFrame() throws {
    var decoder = FrameDecoder()
    let start: [UInt8] = [0x02]
    _ = try decoder.decode(start.span.bytes) { _ in .proceed }
    #expect(!decoder.isBetweenFrames)
  }
}
