import Testing
import UVNet
import UVNetTestKit

@Suite struct LoopHarnessTests {
  @Test(arguments: [false, true])
  func `a test that hangs is ended by the watchdog, even if it runs the loop itself`(
    runs: Bool
  ) throws {
    let error = #expect(throws: LoopHarnessError.self) {
      try LoopHarness.run(watchdog: .milliseconds(20)) { loop, calls in
        LoopTimer.after(.seconds(2), on: loop) { _ in calls.record("fired") }
        if runs { loop.run() }
      }
    }
    guard case .hung(let open, let calls) = error else {
      Issue.record("\(String(describing: error)) is not what a test that hangs is told")
      return
    }
    // The watchdog itself may still be closing.
    #expect(open.count { !$0.contains("(closing)") } == 1 && calls == [])
  }
}
