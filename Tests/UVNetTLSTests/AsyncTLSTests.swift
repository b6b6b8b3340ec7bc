#if TLS
  import TestTaskTestSupport
  import Testing
  import UVNet
  import UVNetTLS
  import UVNetTestKit

  struct AsyncTLSTests {
    @Test func `a server and a client in tasks, with sessions resumed`() async throws {
      let authority = try TestCertificate.authority()
      let server = try TLSServerContext(
        TLSServerOptions(identity: TestCertificate(by: authority).identity()))
      var options = TLSClientOptions()
      options.trust = try authority.trust
      let client = try TLSClientContext(options)
      try await AsyncHarness.run { loop in
        let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
        let serving = loop.task {
          try await listener.serve { connection in
            try await connection.startTLS(server)
            for try await bytes in connection.chunks { try await connection.write(bytes) }
          }
        }
        for isResumed in [false, true] {
          let connection = try await TCPConnection.connect(to: listener.localAddress, on: loop)
          let agreement = try await connection.startTLS(client, to: .address(.loopback))
          #expect(agreement.isResumed == isResumed)
          try await connection.write("there and back")
          let bytes = try await connection.read(exactly: 14)
          #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == "there and back")
          connection.shutdown()
          #expect(try await connection.read(exactly: 1) == nil)
          connection.closeGracefully()
          await connection.finished()
        }
        listener.close()
        try await serving.value
      }
    }

    @Test func `a handshake that is cancelled closes its connection`() async throws {
      let context = try TLSClientContext()
      try await AsyncHarness.run { loop in
        let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
        let connection = try await TCPConnection.connect(to: listener.localAddress, on: loop)
        let waiting = loop.task { try await connection.startTLS(context, to: .host("localhost")) }
        let silent = try #require(try await listener.accept())
        waiting.cancel()
        let error = await #expect(throws: UVError.self) { try await waiting.value }
        #expect(error?.code == .canceled)
        await connection.finished()
        silent.close()
        listener.close()
      }
    }
  }
#endif
