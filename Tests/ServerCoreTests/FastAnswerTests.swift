import Testing

@testable import TestTaskServerCore

@Suite struct FastAnswerTests {
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
