import TestTaskProto
import Testing

@testable import TestTaskServerCore

@Suite struct RequestReaderTests {
  private static let fast: [UInt8] = [2, 0x1A, 0]
  private static let slow: [UInt8] = [4, 0x22, 2, 8, 5]

  /// All that a reader says about bytes that come at once.
  private func read(
    _ bytes: [UInt8], _ reader: inout RequestReader, mostFast: Int = .max
  ) -> [RequestReader.Next] {
    var (position, all) = (0, [RequestReader.Next]())
    while true {
      let next = reader.next(in: bytes.span.bytes, at: &position, mostFast: mostFast)
      all.append(next)
      switch next {
      case .needMore, .violation: return all
      default: continue
      }
    }
  }

  private func takesFast(_ bytes: [UInt8], _ reader: inout RequestReader, _ most: Int = 2) -> Int {
    reader.takeFastRequests(bytes.span.bytes, atMost: most)
  }

  private func next(
    _ bytes: [UInt8], at position: inout Int, mostFast: Int, _ reader: inout RequestReader
  ) -> RequestReader.Next {
    reader.next(in: bytes.span.bytes, at: &position, mostFast: mostFast)
  }

  private func waiting(_ reader: inout RequestReader) -> RequestReader.Next {
    reader.nextWaiting(mostFast: 5)
  }

  private func finish(_ reader: inout RequestReader) -> ProtocolViolation? { reader.finish() }

  @Test func `requests come in order, fast ones counted together`() {
    var reader = RequestReader(maximumFrameBytes: 65_536)
    let bytes = Self.fast + Self.fast + Self.slow + Self.fast + [2]
    #expect(read(bytes, &reader) == [.fast(2), .slow(seconds: 5), .fast(1), .needMore])
    #expect(reader.partialFrameOffset == 14)
    #expect(reader.partialFrameBytes > 0)
    #expect(read([0x1A, 0], &reader) == [.fast(1), .needMore])
    #expect(reader.heldBytes == 0)
  }

  @Test func `a fast request in other words is one too`() {
    var reader = RequestReader(maximumFrameBytes: 65_536)
    // Longer prefix; longer tag; merged twice; unknown field beside it.
    let bytes: [[UInt8]] = [
      [0x82, 0, 0x1A, 0], [3, 0x9A, 0, 0], [4, 0x1A, 0, 0x1A, 0], [4, 0x28, 1, 0x1A, 0],
    ]
    for bytes in bytes { #expect(read(bytes, &reader) == [.fast(1), .needMore]) }
  }

  @Test func `a response is for clients, and a violation at its own offset`() {
    var reader = RequestReader(maximumFrameBytes: 65_536)
    let violation = ProtocolViolation(kind: .unexpectedMessage, offset: 3)
    #expect(read(Self.fast + [4, 0x12, 2, 8, 3], &reader) == [.fast(1), .violation(violation)])
  }

  @Test func `what has to wait is read on later, with what came before in mind`() {
    var reader = RequestReader(maximumFrameBytes: 65_536)
    let bytes = Self.fast + Self.fast + Self.fast + Self.slow + [2, 0x1A]
    var position = 0
    #expect(next(bytes, at: &position, mostFast: 2, &reader) == .fast(2))
    reader.wait(bytes.span.bytes, from: position)
    #expect(reader.hasWaiting && reader.heldBytes == 10)
    #expect(takesFast(Self.fast, &reader) == 0, "it would overtake")
    #expect(waiting(&reader) == .fast(1))
    #expect(reader.hasWaiting)
    #expect(waiting(&reader) == .slow(seconds: 5))
    #expect(waiting(&reader) == .needMore)
    #expect(!reader.hasWaiting)
    #expect(reader.partialFrameOffset == 14)
    #expect(finish(&reader) == ProtocolViolation(kind: .truncated, offset: 14))
  }

  @Test func `fast requests alone are taken at once, and nothing else is`() {
    var reader = RequestReader(maximumFrameBytes: 65_536)
    #expect(takesFast(Self.fast, &reader) == 1)
    #expect(takesFast(Self.fast + Self.fast, &reader) == 2)
    #expect(takesFast(Self.fast + Self.fast, &reader, 1) == 0, "more than are allowed")
    #expect(takesFast(Self.fast + [2], &reader) == 0)
    #expect(takesFast([2, 0x1A, 1], &reader) == 0)
    #expect(read([2], &reader) == [.needMore])
    #expect(reader.partialFrameOffset == 9)
    #expect(takesFast(Self.fast, &reader) == 0, "half a frame came before")
    #expect(finish(&reader)?.kind == .truncated)
  }
}
