import Testing

@testable import TestTaskServerCore

@Suite struct DrainStepTests {
  @Test func `only what is due keeps a connection`() {
    #expect(DrainStep(unsent: 0, sleepingRequests: 0) == .closeNow)
    #expect(DrainStep(unsent: 1, sleepingRequests: 0) == .sendAndClose)
    #expect(DrainStep(unsent: 0, sleepingRequests: 1) == .waitForSleeping)
    #expect(DrainStep(unsent: 1, sleepingRequests: 1) == .waitForSleeping)
  }
}
