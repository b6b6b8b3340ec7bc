import Testing

@testable import Server

@Suite struct RejectionCountTests {
  @Test func `rejections are told at once, then once a second`() {
    var rejections = RejectionCount()
    #expect(rejections.report(at: 0) == nil)
    rejections.add()
    #expect(rejections.report(at: 5) == 1)
    for _ in 0..<49 { rejections.add() }
    #expect(rejections.report(at: 1_000_000_004) == nil)
    #expect(rejections.report(at: 1_000_000_005) == 49)
    #expect(rejections.report(at: 9_000_000_000) == nil)
    rejections.add()
    #expect(rejections.report(at: 9_000_000_000) == 1)
  }

  @Test func `the last report does not wait`() {
    var rejections = RejectionCount()
    rejections.add()
    #expect(rejections.report(at: 0) == 1)
    rejections.add()
    #expect(rejections.report(at: 1, isLast: true) == 1)
    #expect(rejections.report(at: 2, isLast: true) == nil)
  }
}
