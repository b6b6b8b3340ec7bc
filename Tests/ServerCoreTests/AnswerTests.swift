import Testing

@testable import TestTaskServerCore

@Suite struct AnswerTests {
  @Test func `no sleep overflows the clock`() {
    #expect(ServerCore.deadline(after: 2, from: 5) == 2_000_000_005)
    #expect(ServerCore.deadline(after: .max, from: 0) == 4_294_967_295_000_000_000)
    #expect(ServerCore.deadline(after: .max, from: .max - 1) == .max)
  }

  @Test func `the fast answer is one frame with the time, made anew each millisecond`() throws {
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

  @Test func `the fast answer is there as often as it is asked for, with one and the same time`() {
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
}
