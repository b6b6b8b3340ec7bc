import TestTaskProto
import Testing

/// A receiver that says `stop` when it can take no more for now.
@Suite("Frame decoder, stopped")
struct FrameDecoderStopTests {
  private static let stream: [UInt8] = [1, 7, 3, 1, 2, 3, 0, 2, 8, 9]
  private static let payloads: [[UInt8]] = [[7], [1, 2, 3], [], [8, 9]]

  @Test("stop returns the bytes up to the end of the frame that it was said for")
  func consumed() throws {
    let stream = Self.stream
    var decoder = FrameDecoder()
    var ends: [Int] = []
    var position = 0
    while position < stream.count {
      let rest = stream.span.bytes.extracting(position..<stream.count)
      position += try decoder.decode(rest) { _ in .stop }
      ends.append(position)
      #expect(decoder.offset == UInt64(position))
      #expect(!decoder.isInsideFrame)
    }
    #expect(ends == [2, 6, 7, 10])
  }

  @Test("a stream that is stopped after each frame, and cut anywhere, gives the same frames")
  func resumed() throws {
    let stream = Self.stream
    for cut in 0...stream.count {
      var decoder = FrameDecoder()
      var seen: [[UInt8]] = []
      for piece in [0..<cut, cut..<stream.count] {
        var position = piece.lowerBound
        while position < piece.upperBound {
          let rest = stream.span.bytes.extracting(position..<piece.upperBound)
          let before = seen.count
          position += try decoder.decode(rest) { payload in
            seen.append(payload.withUnsafeBytes { [UInt8]($0) })
            return .stop
          }
          try #require(seen.count <= before + 1)
        }
      }
      #expect(seen == Self.payloads, "cut at \(cut)")
      try decoder.finish()
    }
  }

  @Test("stop after a frame that was kept leaves what follows it in the same read")
  func stopAfterKeptFrame() throws {
    var decoder = FrameDecoder()
    let first: [UInt8] = [2, 8]
    let second: [UInt8] = [9, 1, 7]
    #expect(try decoder.decode(first.span.bytes) { _ in .stop } == 2)
    #expect(try decoder.decode(second.span.bytes) { _ in .stop } == 1)
    #expect(decoder.offset == 3)
    #expect(decoder.bufferCapacity == 0)
  }

  @Test("a violation behind a stop is not seen before the decoder is resumed")
  func violationBehindStop() throws {
    var decoder = FrameDecoder(maximumFrameLength: 1)
    let stream: [UInt8] = [1, 7, 2]
    #expect(try decoder.decode(stream.span.bytes) { _ in .stop } == 2)
    #expect(throws: ProtocolViolation(kind: .frameTooLarge, offset: 2)) {
      _ = try decoder.decode(stream.span.bytes.extracting(2..<3)) { _ in .stop }
    }
  }
}
