import Testing
import UVNet
import UVNetTestKit

/// Runs the code of the article on async/await that is about a connection's life and other threads;
/// scripts/ci/check-documentation holds the two alike.
@Suite struct AsyncConnectionTests {
  @LoopActor static func pingAndPrint(
    _ address: SocketAddress, on loop: EventLoop, _ print: (String) -> Void
  ) async throws {
    let connection = try await TCPConnection.connect(to: address, on: loop)
    defer { connection.close() }
    try await connection.write("ping")
    connection.shutdown()
    while let answer = try await connection.read(exactly: 4) {
      print(String(decoding: answer, as: UTF8.self))
    }
  }

  @Test func `a connection from start to end`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let server = loop.task {
        try await listener.serve { connection in
          for try await bytes in connection.chunks { try await connection.write(bytes) }
          // The peer has ended its stream, and still reads.
          try await connection.write("pong")
        }
      }
      var printed: [String] = []
      try await Self.pingAndPrint(listener.localAddress, on: loop) { printed.append($0) }
      #expect(printed == ["ping", "pong"])
      listener.close()
      try await server.value
    }
  }

  @Test func `code of another thread calls code of the loop's`() async throws {
    // Far off, for tests that block may keep the pool of tasks busy for long.
    try await AsyncHarness.run(watchdog: .seconds(600)) { loop in
      let guests = Guests()
      let remote = loop.remote
      await Task.detached {
        remote.execute { _ in
          LoopActor.assumeIsolated { guests.greeted += 1 }
        }
        Task { @LoopActor in guests.greeted += 1 }
      }.value
      while guests.greeted < 2 { try await loop.sleep(for: .milliseconds(1)) }
    }
  }
}

@LoopActor final class Guests {
  var greeted = 0
}
