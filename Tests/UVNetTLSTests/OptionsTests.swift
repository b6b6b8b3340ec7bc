#if TLS
  import COpenSSL
  import TestTaskTestSupport
  import Testing
  import UVNet

  @testable import UVNetTLS

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Darwin)
    import Darwin
  #endif

  struct OptionsTests {
    let authority: TestCertificate
    let identity: TLSIdentity

    init() throws {
      authority = try TestCertificate.authority()
      identity = try TestCertificate(by: authority).identity()
    }

    private func serverError(_ change: (inout TLSServerOptions) -> Void) -> UVError? {
      var options = TLSServerOptions(identity: identity)
      change(&options)
      return error { () throws(UVError) in _ = try TLSServerContext(options) }
    }

    private func clientError(_ change: (inout TLSClientOptions) -> Void) -> UVError? {
      var options = TLSClientOptions()
      change(&options)
      return error { () throws(UVError) in _ = try TLSClientContext(options) }
    }

    private func error(_ body: () throws(UVError) -> Void) -> UVError? {
      do throws(UVError) { try body() } catch { return error }
      return nil
    }

    @Test func `an option outside of its range is refused with its name`() {
      for count in [0, 8] { #expect(serverError { $0.sessionTickets = count } == nil) }
      for count in [-1, 9] {
        let error = serverError { $0.sessionTickets = count }
        #expect(error?.code == .invalidArgument)
        #expect(error?.detail?.contains("sessionTickets") == true)
      }
      for count in [0, 65536] { #expect(clientError { $0.rememberedSessions = count } == nil) }
      for count in [-1, 65537] {
        let error = clientError { $0.rememberedSessions = count }
        #expect(error?.code == .invalidArgument)
        #expect(error?.detail?.contains("rememberedSessions") == true)
      }
      let longest = String(repeating: "x", count: 255)
      #expect(serverError { $0.applicationProtocols = [longest, "h2"] } == nil)
      for name in ["", longest + "x"] {
        #expect(serverError { $0.applicationProtocols = ["h2", name] }?.code == .invalidArgument)
        #expect(clientError { $0.applicationProtocols = [name] }?.code == .invalidArgument)
      }
    }

    @Test func `files that cannot be used are named, each with the reason`() throws {
      let folder = try TemporaryFolder()
      let good = "\(folder.path)/good.pem"
      try write(authority.pem, to: good)
      let long = "\(folder.path)/long.pem"
      try write(authority.pem + [UInt8](repeating: 10, count: 1 << 20), to: long)
      let cases: [(String, UVError.Domain, String)] = [
        ("\(folder.path)/missing", .system, "ENOENT"), (folder.path, .system, "EISDIR"),
        (long, .tls, "longer than 1 MiB"), ("/dev/null", .tls, "no certificate"),
      ]
      for (path, domain, reason) in cases {
        let errors = [
          error { () throws(UVError) in _ = try TLSTrust.certificateFile(path) },
          error { () throws(UVError) in
            _ = try TLSIdentity(certificateFile: path, keyFile: good)
          },
        ]
        for error in errors {
          #expect(error?.domain == domain)
          #expect(error?.detail?.contains(path) == true)
          #expect(error.map { "\($0)".contains(reason) } == true, "\(reason): \(error as Any)")
        }
      }
      // A certificate where a key belongs.
      let noKey = error { () throws(UVError) in
        _ = try TLSIdentity(certificateFile: good, keyFile: good)
      }
      #expect(noKey?.detail?.contains("no private key") == true)
      #expect(noKey?.detail?.contains(good) == true)
      let noLog = clientError { $0.keyLog = "\(folder.path)/missing/keys" }
      #expect(noLog?.operation == .open && noLog?.detail?.hasSuffix("missing/keys") == true)
      #expect(serverError { $0.keyLog = folder.path }?.operation == .open)
    }

    @Test func `a pipe that nobody writes to is empty, and nobody waits for it`() throws {
      let folder = try TemporaryFolder()
      let path = "\(folder.path)/pipe"
      #expect(mkfifo(path, 0o600) == 0)
      let error = error { () throws(UVError) in _ = try TLSTrust.certificateFile(path) }
      #expect(error?.code == .badCredentials)
    }

    @Test func `what is damaged is told from what is missing`() throws {
      let begin = "-----BEGIN PRIVATE KEY-----\n"
      let certificate = try TestCertificate()
      for (key, reason) in [
        (begin + "AAAA\n-----END PRIVATE KEY-----\n", "the key cannot be read"),
        ("no key", "there is no private key"),
      ] {
        let error = error { () throws(UVError) in
          _ = try TLSIdentity(certificates: certificate.pem, key: Array(key.utf8))
        }
        #expect(error?.detail?.contains(reason) == true, "\(error as Any)")
      }
      for revocations in [[1, 2, 3], authority.pem] {
        let error = error { () throws(UVError) in
          _ = try TLSTrust.certificates(authority.pem, revocations: revocations)
        }
        #expect(error?.detail?.contains("no list of revoked certificates") == true)
      }
    }

    @Test func `without tickets no session is resumed, in any version`() throws {
      var options = TLSServerOptions(identity: identity)
      options.sessionTickets = 0
      let server = try TLSServerContext(options)
      var clientOptions = TLSClientOptions()
      clientOptions.trust = try authority.trust
      let client = try TLSClientContext(clientOptions)
      for version in [TLSVersion.v1_2, .v1_2, .v1_3, .v1_3] {
        let pair = try TLSPair(client, server)
        pair.client.session.limitVersion(to: version)
        pair.exchange()
        #expect(pair.client.session.version == version.description)
        #expect(!pair.client.session.isResumed && !pair.server.session.isResumed)
        pair.client.session.end()
      }
    }

    @Test func `sessions of as many servers as are asked for are remembered, the newest`() throws {
      let server = try TLSServerContext(TLSServerOptions(identity: identity))
      // Of the three names the first is forgotten; with a limit of 0 all are.
      for (limit, resumed) in [(2, [false, true, true]), (0, [false, false, false])] {
        var options = TLSClientOptions()
        options.trust = try authority.trust
        options.rememberedSessions = limit
        let client = try TLSClientContext(options)
        let names = try [
          TLSPeerName.address(.loopback), TLSPeerName.host("localhost"), .host("LOCALHOST"),
        ]
        func connect(to name: TLSPeerName) throws -> Bool {
          let pair = try TLSPair(client, server, to: name)
          pair.exchange()
          #expect(pair.client.isEstablished)
          pair.client.session.end()
          return pair.client.session.isResumed
        }
        for name in names { #expect(try connect(to: name) == false) }
        for (name, resumed) in zip(names, resumed).reversed() {
          #expect(try connect(to: name) == resumed, "\(name) of \(limit)")
        }
      }
    }

    @Test func `versions have an order and a name`() {
      #expect(TLSVersion.v1_2 < .v1_3 && !(TLSVersion.v1_3 < .v1_2))
      #expect(TLSVersion.v1_2.description == "TLSv1.2")
      #expect(TLSVersion(number: 0x305).description == "TLS(773)")
      #expect(OpenSSL.version.hasPrefix("OpenSSL 3."))
    }

    @Test func `a client of the system's authorities does not trust one of ours`() throws {
      let pair = try TLSPair(
        TLSClientContext(), TLSServerContext(TLSServerOptions(identity: identity)))
      pair.exchange()
      #expect(pair.client.failure?.code == .unknownAuthority)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
      let file = try #require(fopen(path, "w"))
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
    }
  }

  struct TLSFailureTests {
    @Test func `every code of the domain has a name and words of its own`() {
      let errors = (1...19).map {
        UVError(UVError.Code(rawValue: $0), during: .handshake, domain: .tls)
      }
      #expect(Set(errors.map(\.name)).count == errors.count)
      #expect(Set(errors.map(\.message)).count == errors.count)
      #expect(errors.allSatisfy { $0.name == $0.name.uppercased() && !$0.message.isEmpty })
      #expect(UVError(.truncated, during: .read, domain: .tls).name == "TRUNCATED")
    }

    @Test func `what is wrong with a chain is told apart`() {
      let cases: [(Int32, UVError.Code)] = [
        (X509_V_ERR_CERT_HAS_EXPIRED, .certificateExpired),
        (X509_V_ERR_CERT_NOT_YET_VALID, .certificateNotYetValid),
        (X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, .selfSignedCertificate),
        (X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, .unknownAuthority),
        (X509_V_ERR_IP_ADDRESS_MISMATCH, .wrongName), (X509_V_ERR_INVALID_CA, .wrongPurpose),
        (X509_V_ERR_CA_MD_TOO_WEAK, .weakCertificate),
        (X509_V_ERR_CERT_REVOKED, .certificateRevoked),
        (X509_V_ERR_PATH_LENGTH_EXCEEDED, .certificateInvalid),
      ]
      for (result, code) in cases {
        #expect(TLSFailure.code(ofVerification: Int(result)) == code)
        let error = TLSFailure.error(
          UInt(ERR_LIB_SSL) << 23 | UInt(SSL_R_CERTIFICATE_VERIFY_FAILED),
          verification: Int(result), subject: "CN=somebody", during: .handshake)
        #expect(error.code == code && error.detail?.hasSuffix(", in CN=somebody") == true)
      }
    }

    @Test func `a peer's alert is told with its number and its name`() {
      for (alert, name) in [(40, "handshake failure"), (48, "unknown CA"), (255, "unknown")] {
        let error = TLSFailure.error(
          UInt(ERR_LIB_SSL) << 23 | UInt(SSL_AD_REASON_OFFSET) + UInt(alert),
          verification: Int(X509_V_OK), subject: nil, during: .read)
        #expect(error.code == .refusedByPeer)
        #expect(error.detail == "alert \(alert), \(name)")
      }
    }

    @Test func `reasons of OpenSSL's mean one thing each`() {
      let cases: [(Int32, UVError.Code)] = [
        (SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, .certificateMissing),
        (SSL_R_UNSUPPORTED_PROTOCOL, .noCommonVersion), (SSL_R_NO_SHARED_CIPHER, .noCommonCipher),
        (SSL_R_NO_APPLICATION_PROTOCOL, .noCommonApplicationProtocol),
        (SSL_R_HTTP_REQUEST, .notTLS),
        (SSL_R_UNEXPECTED_EOF_WHILE_READING, .truncated),
        (SSL_R_TOO_MANY_WARN_ALERTS, .excessive), (SSL_R_BAD_EXTENSION, .protocolViolation),
      ]
      for (reason, code) in cases { #expect(TLSFailure.code(ofReason: reason) == code) }
      // Nothing in OpenSSL's queue is still an error.
      let error = TLSFailure.error(0, verification: 0, subject: nil, during: .read)
      #expect(error.code == .protocolViolation && error.detail == nil)
    }
  }
#endif
