import Testing
import UVNet
import UVNetTestKit

/// Runs the code of the article on Unix sockets.
@Suite struct UnixSocketsArticleTests {
  #if os(Linux)
    @Test func `Unix sockets: listening and connecting`() throws {
      try LoopHarness.run { loop, calls in
        func print(_ text: String) {
          calls.record(text.hasPrefix("from user ") ? "from" : text)
          loop.nextTick { loop.end() }
        }
        // Any path that is free; the listener's own file goes with it.
        let path = "/tmp/uvnet-article.\(loop.now.nanoseconds)"
        let address = try UnixAddress(path: path)
        let listener = try UnixListener.listen(
          at: address, on: loop, options: .init(mode: 0o660)
        ) { listener, connection in
          print("from user \(connection.peerCredentials?.userID ?? 0)")
          connection.start(
            .init(onData: { connection, bytes in
              do { try connection.write(bytes) } catch { connection.close() }
            }))
        }
        UnixConnection.connect(to: address, on: loop) { result in
          do throws(UVError) {
            let connection = try result.get()
            try connection.write("hello")
            connection.closeGracefully()
          } catch {
            print("no connection: \(error)")
          }
        }
        withExtendedLifetime(listener) {}
        calls.expect(["from"])
      }
    }

    @Test func `Unix sockets: listening and connecting in tasks`() async throws {
      try await AsyncHarness.run { loop in
        var printed: [String] = []
        func print(_ text: String) { printed.append(text) }
        let address = try UnixAddress(path: "/tmp/uvnet-article-tasks.\(loop.now.nanoseconds)")
        let listener = try AsyncListener.listen(at: address, on: loop, options: .init(mode: 0o660))
        let server = loop.task {
          try await listener.serve { connection in
            for try await bytes in connection.chunks { try await connection.write(bytes) }
          }
        }
        let client = try await UnixConnection.connect(to: address, on: loop)
        try await client.write("hello")
        print(String(decoding: try await client.read(exactly: 5) ?? [], as: UTF8.self))
        client.closeGracefully()
        listener.close()
        try await server.value
        #expect(printed == ["hello"])
      }
    }
  #endif
}
