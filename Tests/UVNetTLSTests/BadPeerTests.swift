#if TLS
  import TestTaskTestSupport
  import Testing
  import UVNet

  @testable import UVNetTLS

  /// Twenty peers that must not be trusted, or cannot be talked to, and the error of each.
  struct BadPeerTests {
    let authority: TestCertificate

    init() throws { authority = try TestCertificate.authority() }

    /// The client's error when the server shows `certificate`.
    private func failure(
      showing certificate: TestCertificate, chain: [TestCertificate] = [],
      to peer: TLSPeerName? = nil,
      trust: TLSTrust? = nil, server: (inout TLSServerOptions) -> Void = { _ in }
    ) throws -> UVError? {
      var clientOptions = TLSClientOptions()
      clientOptions.trust = try trust ?? authority.trust
      var serverOptions = TLSServerOptions(identity: try certificate.identity(chain: chain))
      server(&serverOptions)
      let pair = try TLSPair(
        TLSClientContext(clientOptions), TLSServerContext(serverOptions), to: peer)
      pair.exchange()
      if pair.client.failure != nil {
        #expect(!pair.client.isEstablished)
        // The server is told why.
        #expect(pair.server.failure?.code == .refusedByPeer)
      }
      return pair.client.failure
    }

    @Test func `a good peer is no bad one`() throws {
      let good = try TestCertificate(by: authority)
      #expect(try failure(showing: good) == nil)
      #expect(try failure(showing: good, to: .address(.loopback)) == nil)
      let intermediate = try TestCertificate(by: authority) {
        $0.name = "intermediate"
        $0.isAuthority = true
      }
      let leaf = try TestCertificate(by: intermediate)
      #expect(try failure(showing: leaf, chain: [intermediate]) == nil)
    }

    @Test func `expired on the way`() throws {
      // It is good when the identity is made, and no more when it is shown.
      let intermediate = try TestCertificate(by: authority) {
        $0.name = "intermediate"
        $0.isAuthority = true
        $0.validTo = -10
      }
      let leaf = try TestCertificate(by: intermediate)
      #expect(try failure(showing: leaf, chain: [intermediate])?.code == .certificateExpired)
    }

    @Test func `not yet valid`() throws {
      let intermediate = try TestCertificate(by: authority) {
        $0.name = "intermediate"
        $0.isAuthority = true
        $0.validFrom = 1000
      }
      let leaf = try TestCertificate(by: intermediate)
      #expect(try failure(showing: leaf, chain: [intermediate])?.code == .certificateNotYetValid)
    }

    @Test func `self-signed`() throws {
      let error = try failure(showing: TestCertificate())
      #expect(error?.code == .selfSignedCertificate)
      #expect(error?.operation == .handshake)
      #expect("\(error!)".contains("SELF_SIGNED"))
    }

    @Test func `of an unknown authority`() throws {
      let other = try TestCertificate.authority("another authority")
      let error = try failure(showing: TestCertificate(by: other))
      #expect(error?.code == .unknownAuthority)
      #expect(error?.detail?.contains("CN=localhost") == true)
    }

    @Test func `an authority that is sent along is not trusted for that`() throws {
      let other = try TestCertificate.authority("another authority")
      let error = try failure(showing: TestCertificate(by: other), chain: [other])
      #expect(error?.code == .selfSignedCertificate)
    }

    @Test(arguments: [
      ("example.org", "DNS:localhost"), ("localhost", "IP:127.0.0.1"), ("a.b.test", "DNS:*.test"),
      ("test", "DNS:*.test"), ("foo.test", "DNS:f*.test"), ("localhost", "email:localhost"),
    ])
    func `for another name`(asked: String, names: String) throws {
      let certificate = try TestCertificate(by: authority) { $0.alternativeNames = names }
      #expect(try failure(showing: certificate, to: .host(asked))?.code == .wrongName)
    }

    @Test func `for another address, and a name that looks like the address`() throws {
      for names in ["IP:127.0.0.2", "DNS:127.0.0.1", "DNS:localhost"] {
        let certificate = try TestCertificate(by: authority) { $0.alternativeNames = names }
        #expect(try failure(showing: certificate, to: .address(.loopback))?.code == .wrongName)
      }
    }

    @Test func `for clients only`() throws {
      let certificate = try TestCertificate(by: authority) { $0.extendedKeyUsage = "clientAuth" }
      #expect(try failure(showing: certificate)?.code == .wrongPurpose)
    }

    @Test func `by a certificate that is no authority`() throws {
      let leaf = try TestCertificate(by: authority)
      let forged = try TestCertificate(by: leaf) { $0.name = "forged" }
      #expect(try failure(showing: forged, chain: [leaf])?.code == .wrongPurpose)
    }

    @Test func `by an authority that may not sign certificates`() throws {
      let intermediate = try TestCertificate(by: authority) {
        $0.name = "intermediate"
        $0.isAuthority = true
        $0.keyUsage = "digitalSignature"
      }
      let leaf = try TestCertificate(by: intermediate)
      let code = try failure(showing: leaf, chain: [intermediate])?.code
      #expect(code == .wrongPurpose)
    }

    @Test func `revoked, and not on any list`() throws {
      let certificate = try TestCertificate(by: authority) { $0.serial = 7 }
      let list = try authority.revocations(of: [7])
      let trust = try TLSTrust.certificates(authority.pem, revocations: list)
      #expect(try failure(showing: certificate, trust: trust)?.code == .certificateRevoked)
      let other = try TestCertificate(by: authority) { $0.serial = 8 }
      #expect(try failure(showing: other, trust: trust) == nil)
    }

    @Test func `with a weak key`() throws {
      // Neither side has anything to do with it: not even the server that should show it.
      let weak = try TestCertificate(by: authority) { $0.key = .rsa(bits: 1024) }
      let error = #expect(throws: UVError.self) {
        try TLSServerContext(TLSServerOptions(identity: weak.identity()))
      }
      #expect(error?.code == .badCredentials)
      // A good certificate of a weak authority.
      let weakAuthority = try TestCertificate {
        $0.isAuthority = true
        $0.name = "weak"
        $0.alternativeNames = nil
        $0.key = .rsa(bits: 1024)
      }
      let intermediate = try TestCertificate(by: authority) {
        $0.isAuthority = true
        $0.name = "weak intermediate"
        $0.key = .rsa(bits: 1024)
      }
      _ = weakAuthority
      let leaf = try TestCertificate(by: intermediate)
      #expect(throws: UVError.self) { try failure(showing: leaf, chain: [intermediate]) }
    }

    @Test func `of an old version`() throws {
      let pair = try TLSPair(
        TLSClientContext(
          {
            var options = TLSClientOptions()
            options.trust = try authority.trust
            return options
          }()),
        TLSServerContext(
          {
            var options = TLSServerOptions(identity: try TestCertificate(by: authority).identity())
            options.minimumVersion = .v1_3
            return options
          }()))
      pair.client.session.limitVersion(to: .v1_2)
      pair.exchange()
      #expect(pair.server.failure?.code == .noCommonVersion)
      #expect(pair.client.failure?.code == .noCommonVersion)
    }

    @Test func `that speaks HTTP, or nothing known`() throws {
      for text in ["GET / HTTP/1.0\r\n\r\n", "\u{2}\u{1a}\u{0}", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let server = try TLSPair.Side(
          TLSSession(
            TLSServerContext(
              TLSServerOptions(identity: TestCertificate(by: authority).identity()))))
        server.receive(Array(text.utf8) + Array(repeating: 0, count: 16))
        #expect(server.failure?.code == .notTLS, "\(text)")
        #expect(server.failure?.domain == .tls)
      }
    }

    @Test func `that speaks something else, and waits for an answer to its first byte`() throws {
      let context = try TLSServerContext(
        TLSServerOptions(identity: TestCertificate(by: authority).identity()))
      for byte: UInt8 in 0...255 {
        let server = try TLSPair.Side(TLSSession(context))
        server.receive([byte])
        let mayBeTLS = (20...23).contains(byte) || byte >= 0x80
        #expect((server.failure?.code == .notTLS) == !mayBeTLS, "\(byte)")
        #expect(server.outgoing.isEmpty)
      }
    }

    @Test func `that is gone in the middle of the handshake`() throws {
      let pair = try TLSPair(
        TLSClientContext(),
        TLSServerContext(TLSServerOptions(identity: TestCertificate(by: authority).identity())))
      pair.client.receive([])
      pair.server.receive(Array(pair.client.outgoing.prefix(40)))
      pair.server.endInput()
      #expect(pair.server.failure?.code == .truncated)
      #expect(pair.server.failure?.operation == .handshake)
    }

    @Test func `a client without a certificate where one is required`() throws {
      let certificate = try TestCertificate(by: authority)
      for required in [true, false] {
        var clientOptions = TLSClientOptions()
        clientOptions.trust = try authority.trust
        var serverOptions = TLSServerOptions(identity: try certificate.identity())
        serverOptions.clientCertificates =
          required ? .required(try authority.trust) : .optional(try authority.trust)
        let pair = try TLSPair(TLSClientContext(clientOptions), TLSServerContext(serverOptions))
        pair.exchange()
        #expect((pair.server.failure?.code == .certificateMissing) == required)
        #expect((pair.client.failure?.code == .refusedByPeer) == required)
        if required { #expect(pair.client.failure?.detail?.contains("alert 116") == true) }
      }
    }

    @Test func `a client with a certificate of its own, of a good authority and of another`() throws
    {
      let certificate = try TestCertificate(by: authority)
      let other = try TestCertificate.authority("another authority")
      for (issuer, isGood) in [(authority, true), (other, false)] {
        let person = try TestCertificate(by: issuer) {
          $0.name = "a person"
          $0.alternativeNames = nil
        }
        var clientOptions = TLSClientOptions()
        clientOptions.trust = try authority.trust
        clientOptions.identity = try person.identity()
        var serverOptions = TLSServerOptions(identity: try certificate.identity())
        serverOptions.clientCertificates = .optional(try authority.trust)
        let pair = try TLSPair(TLSClientContext(clientOptions), TLSServerContext(serverOptions))
        pair.exchange()
        #expect(pair.server.isEstablished == isGood)
        if isGood {
          #expect(pair.server.session.peerSubject == "CN=a person")
        } else {
          #expect(pair.server.failure?.code == .unknownAuthority)
          #expect(pair.client.failure?.code == .refusedByPeer)
        }
      }
    }
  }

  struct TLSCredentialsTests {
    @Test func `credentials that make no sense are refused with the reason`() throws {
      let good = try TestCertificate()
      let other = try TestCertificate()
      let expired = try TestCertificate { $0.validTo = -1 }
      let future = try TestCertificate { $0.validFrom = 1000 }
      let cases: [([UInt8], [UInt8], String)] = [
        ([], good.keyPEM, "no certificate"),
        (Array("nonsense".utf8), good.keyPEM, "no certificate"),
        (good.pem, [], "no private key"),
        (good.pem, good.pem, "no private key"),
        (good.pem, good.encryptedKeyPEM, "encrypted"),
        (good.pem, other.keyPEM, "not the certificate's"),
        (expired.pem, expired.keyPEM, "expired"),
        (future.pem, future.keyPEM, "not valid yet"),
        (
          Array(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8), good.keyPEM,
          "cannot be read"
        ),
        (Array(good.pem.dropLast(40)), good.keyPEM, "cannot be read"),
      ]
      for (certificates, key, reason) in cases {
        let error = #expect(throws: UVError.self) {
          try TLSIdentity(certificates: certificates, key: key)
        }
        #expect(error?.code == .badCredentials)
        #expect(error?.detail?.contains(reason) == true, "\(error?.detail ?? "") for \(reason)")
      }
      #expect(try TLSIdentity(certificates: good.pem, key: good.keyPEM).subject == "CN=localhost")
    }

    @Test(arguments: [
      "", ".", "127.0.0.1", "::1", "a b", "a\0b", "host/path", "b\u{fc}cher.de",
      String(repeating: "a", count: 254),
    ])
    func `what is no host's name cannot be verified, and is refused`(name: String) {
      #expect(throws: UVError.self) { try TLSPeerName.host(name) }
    }

    @Test func `a dot at the end of a name is not part of the name`() throws {
      #expect(try TLSPeerName.host("example.org.") == TLSPeerName.host("example.org"))
    }
  }
#endif
