#if TLS
  import TestTaskTestSupport
  import Testing
  import UVNetTestKit

  @testable import UVNet
  @testable import UVNetTLS

  /// TLS over Unix sockets, where there is no address that a certificate could be for.
  struct TLSUnixTests {
    let server: TLSServerContext
    let client: TLSClientContext
    private static let name = "service.test"

    init() throws {
      let authority = try TestCertificate.authority()
      let certificate = try TestCertificate(by: authority) {
        $0.alternativeNames = "DNS:\(Self.name)"
      }
      server = try TLSServerContext(TLSServerOptions(identity: certificate.identity()))
      var options = TLSClientOptions()
      options.trust = try authority.trust
      client = try TLSClientContext(options)
    }

    /// Two ends of a connection whose handshakes are over.
    private func withPair(
      on loop: EventLoop, limits: StreamConnection.WriteLimits = .init(),
      _ body: @escaping (_ client: UnixConnection, _ server: UnixConnection) -> Void
    ) throws {
      let (near, far) = try loop.connectedUnixPair(writeLimits: limits)
      var ready = 0
      func isReady(_ result: Result<TLSAgreement, UVError>) {
        expectNoError { _ = try result.get() }
        ready += 1
        if ready == 2 { body(near, far) }
      }
      far.startTLS(server, completion: isReady)
      near.startTLS(client, to: try .host(Self.name), completion: isReady)
    }

    @Test func `an echo, and close_notify in both directions`() throws {
      try LoopHarness.run { loop, calls in
        try withPair(on: loop) { near, far in
          #expect(far.tls?.serverName == Self.name)
          far.start(
            .init(
              onData: { far, bytes in expectNoError { try far.write(bytes) } },
              onEnd: { far in
                calls.record("server's end")
                far.closeGracefully()
              },
              onClose: { _, reason in #expect(reason == .peer) }))
          var echoed = ""
          near.start(
            .init(
              onData: { near, bytes in
                echoed += String(decoding: bytes)
                if echoed == "over a Unix socket" { near.shutdown() }
              },
              onEnd: { near in
                calls.record("client's end")
                near.closeGracefully()
              },
              onClose: { _, reason in
                #expect(echoed == "over a Unix socket")
                #expect(reason == .peer)
              }))
          expectNoError { try near.write("over a Unix socket") }
        }
        calls.expect(["server's end", "client's end"])
      }
    }

    @Test func `a stream that is cut off is an error and no end`() throws {
      try LoopHarness.run { loop, calls in
        try withPair(on: loop) { near, far in
          far.start(
            .init(
              onData: { _, bytes in calls.record(String(decoding: bytes)) },
              onEnd: { _ in calls.record("end") },
              onClose: { _, reason in
                #expect(reason.error?.code == .truncated)
                calls.record("closed")
              }))
          near.start(.init(onData: { _, _ in }))
          expectNoError {
            try near.write("half a") { _ in near.endSocketStream() }
          }
        }
        calls.expect(["half a", "closed"])
      }
    }

    @Test func `a slow reader holds its writer back, and gets every byte`() throws {
      try LoopHarness.run { loop, calls in
        let total = 1 << 20
        let limits = StreamConnection.WriteLimits(
          highWaterMark: 65536, lowWaterMark: 16384, maximumPendingBytes: 131_072)
        try withPair(on: loop, limits: limits) { near, far in
          var sent = 0
          func fill() {
            while near.isWritable, sent < total {
              expectNoError {
                try near.write(
                  [UInt8](repeating: UInt8(truncatingIfNeeded: sent >> 12), count: 4096))
              }
              sent += 4096
              // The high-water mark, what was written when it was passed, and the records around it.
              #expect(near.pendingBytes <= 65536 + 4096 + 64)
            }
            if sent == total { near.shutdown() }
          }
          var received: [UInt8] = []
          far.start(
            .init(
              onData: { far, bytes in
                #expect(!far.isReadingPaused)
                bytes.withUnsafeBytes { received.append(contentsOf: $0) }
                far.pauseReading()
                LoopTimer.after(.zero, on: loop) { _ in far.resumeReading() }
              },
              onEnd: { far in
                let isRight = received.indices.allSatisfy {
                  received[$0] == UInt8(truncatingIfNeeded: $0 >> 12)
                }
                #expect(isRight && received.count == total)
                calls.record("end")
                far.closeGracefully()
              }))
          near.start(
            .init(
              onData: { _, _ in },
              onDrain: { _ in
                if calls.count(of: "drained") == 0 { calls.record("drained") }
                fill()
              }))
          fill()
        }
        calls.expect(["drained", "end"])
      }
    }

    @Test func `a server that shows a certificate for another name is refused`() throws {
      try LoopHarness.run { loop, calls in
        let (near, far) = try loop.connectedUnixPair()
        far.startTLS(server) { result in
          guard case .failure(let error) = result else { return calls.record("established") }
          #expect(error.code == .refusedByPeer)
          calls.record("server")
        }
        near.startTLS(client, to: try .host("another.test")) { result in
          guard case .failure(let error) = result else { return calls.record("established") }
          #expect(error.code == .wrongName)
          calls.record("client")
        }
        calls.expect(["client", "server"])
      }
    }
  }
#endif
