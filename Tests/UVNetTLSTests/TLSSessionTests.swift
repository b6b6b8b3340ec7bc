#if TLS
  import TestTaskTestSupport
  import Testing
  import UVNet

  @testable import UVNetTLS

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Darwin)
    import Darwin
  #endif

  struct TLSSessionTests {
    let authority: TestCertificate
    let certificate: TestCertificate

    init() throws {
      authority = try TestCertificate.authority()
      certificate = try TestCertificate(by: authority)
    }

    private func pair(
      client: (inout TLSClientOptions) -> Void = { _ in },
      server: (inout TLSServerOptions) -> Void = { _ in }, to peer: TLSPeerName? = nil
    ) throws -> TLSPair {
      var clientOptions = TLSClientOptions()
      clientOptions.trust = try authority.trust
      client(&clientOptions)
      var serverOptions = TLSServerOptions(identity: try certificate.identity())
      server(&serverOptions)
      return try TLSPair(
        TLSClientContext(clientOptions), TLSServerContext(serverOptions), to: peer)
    }

    @Test(arguments: [1, 7, 1000, Int.max])
    func `bytes pass both ways, however the records are cut`(piece: Int) throws {
      let pair = try pair()
      pair.exchange(piece: piece)
      #expect(pair.client.isEstablished && pair.server.isEstablished)
      try pair.client.write("from the client")
      try pair.server.write(String(repeating: "x", count: 50_000))
      pair.exchange(piece: piece)
      #expect(pair.server.text == "from the client")
      #expect(pair.client.received == Array(repeating: UInt8(ascii: "x"), count: 50_000))
      #expect(pair.client.session.version == "TLSv1.3")
      #expect(pair.client.session.cipher == pair.server.session.cipher)
      #expect(pair.client.session.peerSubject == "CN=localhost")
    }

    @Test func `with TLS 1_2 as with 1_3`() throws {
      let pair = try pair(server: { _ in })
      // A server that knows no newer version is played by a client that asks for none.
      pair.client.session.limitVersion(to: .v1_2)
      pair.exchange()
      try pair.client.write("hello")
      pair.exchange()
      #expect(pair.client.session.version == "TLSv1.2")
      #expect(pair.server.text == "hello")
    }

    @Test func `an end in order is told, and one without close_notify is a truncation`() throws {
      let pair = try pair()
      pair.exchange()
      try pair.client.write("last words")
      pair.client.session.end()
      pair.exchange()
      #expect(pair.server.text == "last words")
      #expect(pair.server.hasEnded && pair.server.failure == nil)
      // The other direction is still open.
      try pair.server.write("an answer")
      pair.exchange()
      #expect(pair.client.text == "an answer")
      pair.client.endInput()
      #expect(pair.client.failure?.code == .truncated)
      #expect(pair.client.failure?.domain == .tls)
    }

    @Test func `writing before the handshake and after the end is refused`() throws {
      let pair = try pair()
      #expect(throws: UVError.self) { try pair.client.write("early") }
      pair.exchange()
      pair.client.session.end()
      let error = #expect(throws: UVError.self) { try pair.client.write("late") }
      #expect(error?.code == .notConnected)
    }

    @Test func `a session is resumed once, and the next one with what came of that`() throws {
      var clientOptions = TLSClientOptions()
      clientOptions.trust = try authority.trust
      let client = try TLSClientContext(clientOptions)
      let server = try TLSServerContext(TLSServerOptions(identity: certificate.identity()))
      for resumed in [false, true, true] {
        let pair = try TLSPair(client, server)
        pair.exchange()
        #expect(pair.client.session.isResumed == resumed)
        #expect(pair.server.session.isResumed == resumed)
        pair.client.session.end()
      }
    }

    @Test func `application protocols are agreed on by the server's taste, or not at all`() throws {
      var pair = try pair(
        client: { $0.applicationProtocols = ["http/1.1", "h2"] },
        server: { $0.applicationProtocols = ["h2", "http/1.1"] })
      pair.exchange()
      #expect(pair.client.session.applicationProtocol == "h2")
      #expect(pair.server.session.applicationProtocol == "h2")
      pair = try self.pair(
        client: { $0.applicationProtocols = ["spdy"] },
        server: { $0.applicationProtocols = ["h2"] })
      pair.exchange()
      #expect(pair.server.failure?.code == .noCommonApplicationProtocol)
      #expect(pair.client.failure?.code == .noCommonApplicationProtocol)
      pair = try self.pair(client: { $0.applicationProtocols = ["spdy"] })
      pair.exchange()
      #expect(pair.client.isEstablished && pair.client.session.applicationProtocol == nil)
    }

    @Test func `the server shows the certificate of the name that it is asked for`() throws {
      let other = try TestCertificate(by: authority) {
        $0.name = "other"
        $0.alternativeNames = "DNS:other.test"
      }
      let wild = try TestCertificate(by: authority) {
        $0.name = "wild"
        $0.alternativeNames = "DNS:*.wild.test"
      }
      for (name, subject) in [
        ("OTHER.test", "CN=other"), ("a.wild.test", "CN=wild"), ("localhost", "CN=localhost"),
      ] {
        let pair = try pair(
          server: {
            $0.identities = [
              "other.test": try! other.identity(), "*.wild.test": try! wild.identity(),
            ]
          },
          to: .host(name))
        pair.exchange()
        #expect(pair.client.failure == nil)
        #expect(pair.client.session.peerSubject == subject)
        #expect(pair.server.session.serverName == name)
      }
    }

    @Test func `keys are logged in the format of Wireshark, when that is asked for`() throws {
      let path = "/tmp/uvnet-keylog-\(UInt64.random(in: 0...UInt64.max))"
      defer { unlink(path) }
      let pair = try pair(client: { $0.keyLog = path })
      pair.exchange()
      let keys = text(of: path)
      #expect(keys.contains("CLIENT_TRAFFIC_SECRET_0 "))
      #expect(keys.hasSuffix("\n"))
    }

    @Test func `a peer that sends one new key after another is given up`() throws {
      let pair = try pair()
      pair.exchange()
      for _ in 0...TLSSession.mostMessagesWithoutData { pair.client.session.sendNewKey() }
      pair.exchange()
      #expect(pair.server.failure?.code == .excessive)
    }

    @Test func `a server that sends one ticket after another is given up`() throws {
      let pair = try pair()
      pair.exchange()
      for _ in 0...TLSSession.mostMessagesWithoutData { pair.server.session.sendTicket() }
      pair.exchange()
      #expect(pair.client.failure?.code == .excessive)
    }

    @Test func `ten thousand records of one byte are a stream like any other`() throws {
      let pair = try pair()
      pair.exchange()
      for _ in 0..<10_000 { try pair.client.write("x") }
      // One read of a connection brings at most this much.
      pair.exchange(piece: 65536)
      #expect(pair.server.received.count == 10_000)
      #expect(pair.server.failure == nil)
    }

    @Test func `every changed byte of a handshake fails it or changes nothing, and stops nobody`()
      throws
    {
      for position in stride(from: 0, to: 600, by: 3) {
        let pair = try pair()
        var isFirst = true
        pair.exchange { records in
          guard isFirst, position < records.count else { return }
          isFirst = false
          records[position] ^= 0x55
        }
        let both = pair.client.isEstablished && pair.server.isEstablished
        let failed = pair.client.failure != nil || pair.server.failure != nil
        // Or one waits for bytes that a length has promised: that is for the time limit.
        #expect(!(both && failed))
        if let failure = pair.server.failure { #expect(failure.domain == .tls) }
      }
    }
  }
#endif
