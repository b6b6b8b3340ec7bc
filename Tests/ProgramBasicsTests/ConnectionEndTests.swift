import TestTaskProgramBasics
import Testing
import UVNet

@Suite struct ConnectionEndTests {
  @Test func `each reason of a close is one end`() {
    #expect(ConnectionEnd(.peer) == .ended)
    #expect(ConnectionEnd(.local) == .failed(nil))
    let ends: [(UVError.Code, ConnectionEnd)] = [
      // What was sent after the peer's end was refused.
      (.brokenPipe, .ended),
      (.connectionReset, .reset),
      (
        .timedOut,
        .timedOut(
          .init(
            message: "connection timed out",
            description: UVError(.timedOut, during: .read).description))
      ),
      (
        .networkUnreachable,
        .failed(
          .init(
            message: "network is unreachable",
            description: UVError(.networkUnreachable, during: .read).description))
      ),
    ]
    for (code, end) in ends {
      #expect(ConnectionEnd(.failed(UVError(code, during: .read))) == end)
    }
  }
}
