#if TLS
  import TestTaskProto
  import TestTaskTestSupport
  import Testing
  import UVNet
  import UVNetTestKit
  import UVNetTLS

  /// testtask-client over TLS to a Unix socket.
  ///
  /// testtask-server's own Unix socket is plain; a server of another kind, or a proxy, may well speak
  /// TLS there.
  @Suite struct TLSUnixClientTests {
    private let folder: TemporaryFolder
    private let authority: TestCertificate

    init() throws {
      folder = try TemporaryFolder()
      authority = try TestCertificate.authority()
      try writeFile("\(folder.path)/ca.pem", String(decoding: authority.pem, as: UTF8.self))
    }

    /// Runs the client with one fast request against a server that answers what is right.
    private func run(
      _ arguments: [String]
    ) throws -> (ending: Program.Ending, output: [String], errors: [String]) {
      let socket = "\(folder.path)/socket"
      let certificate = try TestCertificate(by: authority) {
        $0.alternativeNames = "DNS:service.test"
      }
      let identity = try TLSIdentity(
        certificates: certificate.pem, key: certificate.keyPEM)
      let server = try TLSServerContext(TLSServerOptions(identity: identity))
      var answer: [UInt8] = []
      Message.fastResponse(currentDateTime: "20260102T030405.678").appendFrame(to: &answer)
      var client: Program?
      try LoopHarness.run { loop, _ in
        _ = try UnixListener.listen(at: UnixAddress(path: socket), on: loop) {
          listener, connection in
          listener.close()
          connection.startTLS(server) { result in
            guard case .success = result else { return }
            connection.start(.init(onData: { connection, _ in try? connection.write(answer) }))
          }
        }
        client = try Program(
          "testtask-client",
          ["unix:\(socket)", "--tls", "--ca", "\(folder.path)/ca.pem", "--time", "none"] + arguments
            + ["-e", "fast"])
      }
      let ended = try #require(client)
      let output = try ended.readOutputToEnd()
      let errors = try ended.readErrorsToEnd()
      return (try ended.wait(), output, errors)
    }

    @Test func `it asks over TLS, and verifies the name that it was given`() throws {
      let right = try run(["--tls-name", "service.test"])
      #expect(right.ending == .exit(0))
      #expect(
        right.output.contains { $0.hasPrefix("received #1 (fast): time 20260102T030405.678") })
      let wrong = try run(["--tls-name", "another.test"])
      #expect(wrong.ending == .exit(2))
      #expect(wrong.errors.contains { $0.contains("the certificate is for another name") })
    }

    @Test func `without a name to verify it does not ask`() throws {
      let result = try run([])
      #expect(result.ending == .exit(2))
      #expect(result.errors.contains { $0.contains("give --tls-name") })
    }
  }
#endif
