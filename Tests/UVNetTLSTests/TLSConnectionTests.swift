#if TLS
  import COpenSSL
  import TestTaskTestSupport
  import Testing
  import UVNetTestKit

  @testable import UVNet
  @testable import UVNetTLS

  struct TLSConnectionTests {
    let authority: TestCertificate
    let server: TLSServerContext
    let client: TLSClientContext

    init() throws {
      authority = try TestCertificate.authority()
      server = try TLSServerContext(
        TLSServerOptions(identity: TestCertificate(by: authority).identity()))
      var options = TLSClientOptions()
      options.trust = try authority.trust
      client = try TLSClientContext(options)
    }

    /// Two ends of a connection over loopback whose handshakes are over.
    private func withPair(
      on loop: EventLoop, limits: StreamConnection.WriteLimits = .init(),
      _ body: @escaping (_ connected: TCPConnection, _ accepted: TCPConnection) -> Void
    ) throws {
      let (server, client) = (server, client)
      try loop.withConnectedPair(writeLimits: limits) { connected, accepted in
        var ready = 0
        func isReady(_ result: Result<TLSAgreement, UVError>) {
          expectNoError { _ = try result.get() }
          ready += 1
          if ready == 2 { body(connected, accepted) }
        }
        accepted.startTLS(server, completion: isReady)
        connected.startTLS(client, to: .address(.loopback), completion: isReady)
      }
    }

    @Test func `an echo server and its client`() throws {
      try LoopHarness.run { loop, calls in
        let text = String(repeating: "over TLS ", count: 1000)
        try withPair(on: loop) { connected, accepted in
          #expect(connected.tls?.version == "TLSv1.3")
          #expect(connected.tls?.peerSubject == "CN=localhost")
          #expect(accepted.tls?.peerSubject == nil)
          accepted.start(
            .init(
              onData: { accepted, bytes in
                expectNoError { try accepted.write(bytes) }
              },
              onClose: { _, reason in
                #expect(reason == .peer)
                calls.record("server closed")
              }))
          var echoed = ""
          connected.start(
            .init(
              onData: { connected, bytes in
                echoed += String(decoding: bytes)
                if echoed.utf8.count == text.utf8.count { connected.closeGracefully() }
              },
              onClose: { _, reason in
                #expect(echoed == text)
                #expect(reason == .local)
                calls.record("client closed")
              }))
          expectNoError {
            try connected.write(text) { result in
              expectNoError { try result.get() }
              calls.record("written")
            }
          }
        }
        calls.expect(["written", "server closed", "client closed"])
      }
    }

    @Test func `a megabyte passes a reader that pauses at every piece`() throws {
      try LoopHarness.run { loop, calls in
        let total = 1 << 20
        let limits = StreamConnection.WriteLimits(highWaterMark: 65536, lowWaterMark: 16384)
        try withPair(on: loop, limits: limits) { connected, accepted in
          var sent = 0
          func fill() {
            while connected.isWritable, sent < total {
              let piece = [UInt8](repeating: UInt8(truncatingIfNeeded: sent >> 12), count: 4096)
              expectNoError { try connected.write(piece) }
              sent += piece.count
            }
            if sent == total { connected.shutdown() }
          }
          var received: [UInt8] = []
          accepted.start(
            .init(
              onData: { accepted, bytes in
                #expect(!accepted.isReadingPaused)
                bytes.withUnsafeBytes { received.append(contentsOf: $0) }
                accepted.pauseReading()
                LoopTimer.after(.zero, on: loop) { _ in accepted.resumeReading() }
              },
              onEnd: { accepted in
                calls.record("end")
                accepted.closeGracefully()
              }))
          connected.start(
            .init(
              onData: { _, _ in }, onDrain: { _ in fill() },
              onClose: { _, _ in
                #expect(received.count == total)
                let isRight = received.indices.allSatisfy {
                  received[$0] == UInt8(truncatingIfNeeded: $0 >> 12)
                }
                #expect(isRight)
                calls.record("closed")
              }))
          fill()
        }
        calls.expect(["end", "closed"])
      }
    }

    @Test func `a peer that fills every read lets others have their turn`() throws {
      try LoopHarness.run { loop, calls in
        let limits = StreamConnection.WriteLimits(
          highWaterMark: 65536, lowWaterMark: 16384, maximumPendingBytes: 1 << 24)
        try withPair(on: loop, limits: limits) { flooding, flooded in
          expectNoError {
            try withPair(on: loop) { asking, asked in
              expectNoError {
                try flooding.write([UInt8](repeating: 0, count: 1 << 22))
                try asking.write("me, too") { _ in
                  // The system has more for the first than several reads take.
                  #expect(flooding.bytesWritten > 5 * 65536)
                  var floodedCount = 0
                  flooded.start(.init(onData: { floodedCount += $1.byteCount }))
                  asked.start(
                    .init(onData: { asked, bytes in
                      #expect(String(decoding: bytes) == "me, too")
                      // What one read brought, or two.
                      #expect(floodedCount > 0 && floodedCount <= 2 * 65536)
                      calls.record("asked")
                      for each in [flooding, flooded, asking, asked] { each.close() }
                    }))
                  flooding.start(.init(onData: { _, _ in }))
                  asking.start(.init(onData: { _, _ in }))
                }
              }
            }
          }
        }
        calls.expect(["asked"])
      }
    }

    @Test func `a stream that is cut off is an error and no end`() throws {
      try LoopHarness.run { loop, calls in
        try withPair(on: loop) { connected, accepted in
          accepted.start(
            .init(
              onData: { _, bytes in calls.record(String(decoding: bytes)) },
              onEnd: { _ in calls.record("end") },
              onClose: { _, reason in
                #expect(reason.error?.code == .truncated)
                calls.record("closed")
              }))
          connected.start(.init(onData: { _, _ in }))
          expectNoError {
            try connected.write("half a") { _ in
              // The system's end of the stream, behind TLS's back.
              connected.endSocketStream()
            }
          }
        }
        calls.expect(["half a", "closed"])
      }
    }

    @Test func `a server makes no buffers for a client that has said nothing`() throws {
      try LoopHarness.run { loop, calls in
        let server = server
        try loop.withConnectedPair { connected, accepted in
          connected.start(.init(onData: { _, _ in }))
          accepted.startTLS(server) { _ in calls.record("over") }
          // The handshake begins with the next turn.
          loop.nextTick {
            loop.nextTick {
              let session = (accepted.installedTransform as? TLSTransform)?.session
              session?.withRaw { ssl in
                if SSL_in_before(ssl) == 1 { calls.record("nothing made") }
              }
              accepted.close()
              connected.close()
            }
          }
        }
        calls.expect(["nothing made", "over"])
      }
    }

    @Test func `a write of nothing is told, and a close once all is sent ends the stream in order`()
      throws
    {
      try LoopHarness.run { loop, calls in
        try withPair(on: loop) { connected, accepted in
          connected.start(
            .init(
              onData: { _, _ in },
              onEnd: { connected in
                calls.record("end")
                connected.closeGracefully()
              }))
          accepted.start(
            .init(
              onData: { _, _ in },
              onClose: { _, reason in
                #expect(reason == .local)
                calls.record("closed")
              }))
          expectNoError {
            try connected.write("") { result in
              expectNoError { try result.get() }
              calls.record("told")
              accepted.closeOnceSent(within: .seconds(20))
            }
          }
        }
        calls.expect(["told", "end", "closed"])
      }
    }

    @Test func `a peer that says nothing is given up when the handshake's time is over`() throws {
      try LoopHarness.run { loop, calls in
        var options = TLSServerOptions(identity: try TestCertificate(by: authority).identity())
        options.handshakeTimeout = .milliseconds(20)
        let impatient = try TLSServerContext(options)
        let began = loop.now
        try loop.withConnectedPair { connected, accepted in
          connected.start(.init(onData: { _, _ in }))
          accepted.startTLS(impatient) { result in
            guard case .failure(let error) = result else { return calls.record("established") }
            #expect(error.code == .timedOut && error.operation == .handshake)
            #expect(loop.now >= began.advanced(by: .milliseconds(20)))
            #expect(accepted.isClosed)
            calls.record("failed")
          }
        }
        calls.expect(["failed"])
      }
    }

    @Test func `a client that does not trust the server says so to both`() throws {
      try LoopHarness.run { loop, calls in
        var options = TLSClientOptions()
        options.trust = try TestCertificate.authority("another").trust
        let wary = try TLSClientContext(options)
        let server = server
        try loop.withConnectedPair { connected, accepted in
          accepted.startTLS(server) { result in
            guard case .failure(let error) = result else { return calls.record("established") }
            #expect(error.code == .refusedByPeer)
            calls.record("server")
          }
          connected.startTLS(wary, to: .address(.loopback)) { result in
            guard case .failure(let error) = result else { return calls.record("established") }
            #expect(error.code == .unknownAuthority)
            #expect(connected.closeReason == .failed(error))
            calls.record("client")
          }
        }
        calls.expect(["client", "server"])
      }
    }

    @Test func `a close anywhere in a handshake is clean`() throws {
      for turns in 0..<12 {
        try LoopHarness.run { loop, calls in
          let (server, client) = (server, client)
          try loop.withConnectedPair { connected, accepted in
            func closed(_ result: Result<TLSAgreement, UVError>) { calls.record("told") }
            accepted.startTLS(server, completion: closed)
            connected.startTLS(client, to: .address(.loopback), completion: closed)
            var rest = turns
            func step() {
              if rest == 0 {
                connected.close()
                accepted.close()
              } else {
                rest -= 1
                loop.nextTick(step)
              }
            }
            step()
          }
          calls.expect(["told", "told"])
        }
      }
    }

    @Test func `certificates are replaced while connections go on`() throws {
      try LoopHarness.run { loop, calls in
        let authority = authority
        let next = try TLSServerContext(
          TLSServerOptions(
            identity: TestCertificate(by: authority) { $0.name = "next" }.identity()))
        let client = client
        try withPair(on: loop) { old, accepted in
          accepted.start(.init(onData: { $0.write(echoing: $1) }))
          old.start(
            .init(onData: { old, bytes in
              calls.record(String(decoding: bytes))
              old.close()
            }))
          expectNoError {
            try loop.withConnectedPair { connected, accepted in
              accepted.startTLS(next) { _ in accepted.start(.init(onData: { _, _ in })) }
              connected.startTLS(client, to: .address(.loopback)) { result in
                #expect((try? result.get())?.peerSubject == "CN=next")
                calls.record("next")
                connected.close()
                expectNoError { try old.write("still here") }
              }
            }
          }
        }
        calls.expect(["next", "still here"])
      }
    }
  }

  extension StreamConnection {
    fileprivate func write(echoing bytes: RawSpan) {
      expectNoError { try write(bytes) }
    }
  }
#endif
