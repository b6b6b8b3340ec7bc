import TestTaskClientCore
import TestTaskProgramBasics
import Testing

@Suite struct LossCauseTests {
  @Test func `every end by the server has one name, and a failure its own`() {
    for end in [ConnectionEnd.ended, .reset, .failed(nil)] {
      #expect(LossCause(end) == .closedByServer)
    }
    let failure = ConnectionEnd.Failure(message: "host is down", description: "read: EHOSTDOWN")
    for end in [ConnectionEnd.timedOut(failure), .truncated(failure), .failed(failure)] {
      #expect(LossCause(end) == .failed(reason: "host is down"))
    }
  }
}
