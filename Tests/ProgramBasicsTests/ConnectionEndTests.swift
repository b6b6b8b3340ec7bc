import TestTaskProgramBasics
import Testing
import UVNet
import UVNetTLS

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

  #if TLS
    @Test func `a stream that was cut off over TLS is told from its other failures`() {
      for code in [UVError.Code.truncated, .protocolViolation, .refusedByPeer] {
        let error = UVError(code, during: .read, domain: .tls)
        let failure = ConnectionEnd.Failure(message: error.message, description: error.description)
        #expect(
          ConnectionEnd(.failed(error))
            == (code == .truncated ? .truncated(failure) : .failed(failure)))
      }
      // The numbers are TLS's: in another domain they mean something else.
      let other = UVError(.truncated, during: .read, domain: .program)
      #expect(ConnectionEnd(.failed(other)).isTruncated == false)
    }
  #endif
}

#if TLS
  extension ConnectionEnd {
    fileprivate var isTruncated: Bool {
      if case .truncated = self { true } else { false }
    }
  }
#endif
