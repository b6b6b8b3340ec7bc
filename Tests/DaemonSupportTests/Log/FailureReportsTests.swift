import Testing
import UVNet

@testable import TestTaskDaemonSupport

@Suite struct FailureReportsTests {
  @Test func `a failure is told at once, and again a minute later at the soonest`() {
    var reports = FailureReports()
    let start = EventLoop.Instant(nanoseconds: 5)
    let due = [0, 1, 59, 60, 61, 119, 120].filter {
      reports.isDue(at: start.advanced(by: .seconds($0)))
    }
    #expect(due == [0, 60, 120])
  }
}
