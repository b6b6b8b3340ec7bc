import Testing

@testable import TestTaskProto

@Suite("Fast answer")
struct FastAnswerTests {
  @Test func `it is one frame with the time, made anew each millisecond`() throws {
    var answer = FastAnswer()
    answer.refresh(wallClockNanoseconds: 1_123_456_789, count: 1)
    #expect(answer.frames.count == FastAnswer.byteCount)
    #expect(answer.frames.starts(with: [0x17, 0x0A, 0x15, 0x0A, 0x13]))
    #expect(String(decoding: answer.frames.suffix(4), as: UTF8.self) == ".123")
    let before = answer.frames
    answer.refresh(wallClockNanoseconds: 1_123_999_999, count: 1)
    #expect(answer.frames == before)
    answer.refresh(wallClockNanoseconds: 1_124_000_000, count: 1)
    #expect(String(decoding: answer.frames.suffix(4), as: UTF8.self) == ".124")
    // A clock that is set back is followed too.
    answer.refresh(wallClockNanoseconds: 1_123_000_000, count: 1)
    #expect(answer.frames == before)
  }

  @Test func `it is there as often as it is asked for, with one and the same time`() {
    var answer = FastAnswer()
    answer.refresh(wallClockNanoseconds: 1_123_456_789, count: 1)
    let one = answer.frames
    answer.refresh(wallClockNanoseconds: 1_123_456_790, count: 3)
    #expect(answer.frames == one + one + one)
    answer.refresh(wallClockNanoseconds: 1_124_000_000, count: 2)
    #expect(answer.frames.count == 2 * FastAnswer.byteCount)
    let second = answer.frames.suffix(FastAnswer.byteCount)
    #expect(answer.frames.prefix(FastAnswer.byteCount) == second)
    #expect(!answer.frames.starts(with: one))
  }

  @Test func `as many answers as one read can ask for are all the same`() {
    var answer = FastAnswer()
    answer.refresh(wallClockNanoseconds: 0, count: 1)
    let frame = answer.frames
    #expect(frame.count == FastAnswer.byteCount)
    // Copying what is there for each one more would take minutes.
    let count = 100_000
    answer.refresh(wallClockNanoseconds: 0, count: count)
    #expect(answer.frames.count == count * FastAnswer.byteCount)
    // Each is the one before it.
    #expect(Array(answer.frames.prefix(frame.count)) == frame)
    #expect(
      Array(answer.frames.dropFirst(frame.count)) == Array(answer.frames.dropLast(frame.count)))
  }
}
