#if TLS
  import TestTaskTestSupport
  import Testing
  import UVNetTestKit

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Darwin)
    import Darwin
  #endif

  /// Both real programs with each other over TLS.
  @Suite struct TLSProgramTests {
    private let folder: TemporaryFolder
    private let authority: TestCertificate

    init() throws {
      folder = try TemporaryFolder()
      authority = try TestCertificate.authority()
      try writeFile(path("ca.pem"), text(authority.pem))
      try write(TestCertificate(by: authority), as: "server")
    }

    private func path(_ name: String) -> String { "\(folder.path)/\(name)" }
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func write(_ certificate: TestCertificate, as name: String) throws {
      try writeFile(path(name + ".pem"), text(certificate.pem))
      try writeFile(path(name + ".key"), text(certificate.keyPEM))
    }

    private func settings(_ more: String = "") -> String {
      "[tls]\ncertificate = \(path("server.pem"))\nkey = \(path("server.key"))\n\(more)"
    }

    private func client(
      _ server: RunningServer, _ arguments: [String], host: String = "localhost"
    ) throws -> (ending: Program.Ending, output: [String], errors: [String]) {
      let client = try Program(
        "testtask-client", ["\(host):\(server.port)", "--tls", "--time", "none"] + arguments)
      let output = try client.readOutputToEnd()
      let errors = try client.readErrorsToEnd()
      return (try client.wait(), output, errors)
    }

    @Test func `requests are answered over TLS, and the log says how they were secured`() throws {
      let server = try RunningServer(settings())
      for host in ["localhost", "127.0.0.1"] {
        let result = try client(
          server, ["--ca", path("ca.pem"), "-e", "fast", "-e", "slow 0"], host: host)
        #expect(result.ending == .exit(0))
        #expect(result.output.contains { $0.hasPrefix("received #2 (slow 0): 1 client") })
      }
      let lines = try server.logLines(containing: "event=connect", count: 2)
      #expect(lines.allSatisfy { $0.contains(" tls=1.3 cipher=TLS_") })
      let ends = try server.logLines(containing: "event=disconnect", count: 2)
      #expect(ends.allSatisfy { $0.contains(" reason=eof ") })
      #expect(try server.program.status("Threads") == "1")
      #expect(try server.terminate() == .exit(0))
    }

    @Test func `a server that cannot be verified ends a script with 2, and says why`() throws {
      let server = try RunningServer(settings())
      let cases = [
        ([], "the certificate is of an authority that is not trusted"),
        (
          ["--ca", path("ca.pem"), "--tls-name", "example.org"],
          "the certificate is for another name"
        ),
      ]
      for (arguments, reason) in cases {
        let result = try client(server, arguments + ["-e", "fast"])
        #expect(result.ending == .exit(2))
        #expect(result.errors.contains { $0.contains(reason) })
      }
      let ends = try server.logLines(containing: "event=disconnect", count: 2)
      #expect(ends.allSatisfy { $0.contains(" reason=handshake ") && $0.contains("alert") })
      let connects = try server.logLines(containing: "event=connect", count: 2)
      #expect(connects.allSatisfy { !$0.contains("tls=") })
    }

    @Test func `a client in the clear is disconnected in its handshake, once and at once`() throws {
      // Less than the head of a record, and more.
      for more in [0, 16] {
        let server = try RunningServer(settings("handshake_timeout_seconds = 3600\n"))
        let plain = try server.connect()
        try plain.send([2, 0x1a, 0] + Array(repeating: 0, count: more))
        #expect(try plain.receiveToEnd().count <= 7)
        let end = try server.logLines(containing: "event=disconnect")
        #expect(
          end.count == 1 && end[0].contains(" reason=handshake ") && end[0].contains("NOT_TLS"))
        #expect(try server.logLines(containing: "event=connect").count == 1)
      }
    }

    @Test func `a client that says nothing is given up when its handshake's time is over`() throws {
      let server = try RunningServer(settings("handshake_timeout_seconds = 1\n"))
      let silent = try server.connect()
      #expect(try silent.receiveToEnd() == [])
      let end = try server.logLines(containing: "event=disconnect")[0]
      #expect(end.contains(" reason=handshake ") && end.contains("ETIMEDOUT"))
    }

    @Test func `clients in their handshakes do not hold a drain up`() throws {
      let server = try RunningServer(settings())
      let silent = try server.connect()
      // Accepted, since one that came later is.
      _ = try client(server, ["--ca", path("ca.pem"), "-e", "fast"])
      #expect(try server.terminate() == .exit(0))
      let ends = try server.logLines(containing: "event=disconnect", count: 2)
      #expect(ends.contains { $0.contains(" reason=shutdown ") })
      withExtendedLifetime(silent) {}
    }

    @Test func `client_ca lets nobody in without a certificate, and names who has one`() throws {
      let server = try RunningServer(settings("client_ca = \(path("ca.pem"))\n"))
      try write(
        TestCertificate(by: authority) {
          $0.name = "a person"
          $0.alternativeNames = nil
        }, as: "person")
      let without = try client(server, ["--ca", path("ca.pem"), "-e", "fast"])
      #expect(without.ending == .exit(2))
      let with = try client(
        server,
        [
          "--ca", path("ca.pem"), "--certificate", path("person.pem"), "--key",
          path("person.key"), "-e", "fast",
        ])
      #expect(with.ending == .exit(0))
      let line = try server.logLines(containing: "subject=")[0]
      #expect(line.contains("subject=\"CN=a person\""))
    }

    @Test func `SIGHUP takes new certificates, and keeps the old ones after any error`() throws {
      let server = try RunningServer(settings())
      let next = try TestCertificate(by: authority) { $0.name = "next" }
      // The key is still the old one's.
      try writeFile(path("server.pem"), text(next.pem))
      server.program.send(signal: SIGHUP)
      _ = try server.logLines(containing: "event=reload result=failed")
      #expect(try client(server, ["--ca", path("ca.pem"), "-e", "fast"]).ending == .exit(0))
      try writeFile(path("server.key"), text(next.keyPEM))
      server.program.send(signal: SIGHUP)
      _ = try server.logLines(containing: "event=reload result=ok")
      #expect(try client(server, ["--ca", path("ca.pem"), "-e", "fast"]).ending == .exit(0))
    }

    @Test func `who came while TLS was on is not served without it after a reload`() throws {
      let server = try RunningServer("[server]\nproxy_protocol = yes\n" + settings())
      let header = Array("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25555\r\n".utf8)
      let fast: [UInt8] = [2, 0x1A, 0]
      let early = try server.connect()
      // One that is accepted behind it, and leaves a line.
      let other = try server.connect()
      try other.send(Array("nonsense\r\n".utf8))
      _ = try server.logLines(containing: " reason=violation ")
      try writeFile(server.folder.path + "/server.ini", "[server]\nproxy_protocol = yes\n")
      server.program.send(signal: SIGHUP)
      _ = try server.logLines(containing: "event=reload result=ok")
      try early.send(header + fast)
      let line = try server.logLines(containing: " reason=handshake ")[0]
      #expect(line.contains(" peer=192.0.2.1:56324 ") && line.contains(" requests=0 "))
      let late = try server.connect()
      try late.send(header + fast)
      #expect(try late.receiveMessage().isFastResponse)
    }

    @Test func `certificates that make no sense are refused at the start`() throws {
      let other = try TestCertificate()
      let cases: [(String, Int32, String)] = [
        ("[tls]\ncertificate = \(path("server.pem"))\n", 78, "needs both"),
        ("[tls]\nclient_ca = \(path("ca.pem"))\n", 78, "client_ca"),
        (settings("client_ca = \(path("server.key"))\n"), 1, "no certificate"),
        (
          "[tls]\ncertificate = \(path("missing"))\nkey = \(path("server.key"))\n", 1,
          "no such file"
        ),
        ("[tls]\ncertificate = \(path("server.pem"))\nkey = \(path("other.key"))\n", 1, "not the"),
      ]
      try write(other, as: "other")
      for (ini, status, reason) in cases {
        try writeFile(path("bad.ini"), ini)
        for more in [[], ["--check-config"]] {
          let server = try Program(
            "testtask-server",
            ["--config", path("bad.ini"), "--port", "0", "--log-file", path("log")] + more)
          let errors = try server.readErrorsToEnd()
          #expect(try server.wait() == .exit(status), "\(ini)")
          #expect(errors.contains { $0.contains(reason) }, "\(errors)")
        }
      }
    }
  }
#endif
