import Testing

@testable import TestTaskServerCore

@Suite struct AnswerTests {
  @Test func `no sleep overflows the clock`() {
    #expect(ServerCore.deadline(after: 2, from: 5) == 2_000_000_005)
    #expect(ServerCore.deadline(after: .max, from: 0) == 4_294_967_295_000_000_000)
    #expect(ServerCore.deadline(after: .max, from: .max - 1) == .max)
  }
}
