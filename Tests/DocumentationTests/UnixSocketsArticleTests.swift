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
  #endif
}
