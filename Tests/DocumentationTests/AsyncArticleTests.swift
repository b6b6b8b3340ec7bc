import Testing
import UVNet
import UVNetTestKit

/// Runs the code of the article on async/await and of its types; scripts/check-documentation holds
/// them alike.
@Suite struct AsyncArticleTests {
  @Test func `a server, a task started in a callback, and a deadline`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let server = loop.task {
        try await listener.serve { connection in
          for try await bytes in connection.chunks { try await connection.write(bytes) }
        }
      }
      let connection = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await greet(connection)
      let greeting = try await loop.withTimeout(.seconds(5)) {
        try await connection.read(exactly: 5)
      }
      #expect(greeting == Array("hello".utf8))
      LoopTimer.after(.milliseconds(1), on: loop) { _ in
        loop.task { try await connection.write("one millisecond is over") }
      }
      let echo = try await connection.read(exactly: 23)
      #expect(echo == Array("one millisecond is over".utf8))
      listener.close()
      connection.closeGracefully()
      try await server.value
    }
  }

  @Test func `a program inside another`() async throws {
    try await AsyncHarness.onThread {
      let address = try EventLoop.run { loop in
        try await Resolver.resolve("localhost", port: 7007, on: loop)[0]
      }
      #expect(address.port == 7007)
    }
  }

  @Test func `an actor of one's own`() async throws {
    try await AsyncHarness.run { loop in
      let statistics = Statistics()
      #expect(await statistics.greeted() == 1)
      try await loop.sleep(for: .milliseconds(1))
    }
  }

  @Test func `a test of one's own`() async throws {
    try await AsyncHarness.run { loop in
      try await loop.sleep(for: .milliseconds(1))
    }
  }
}

nonisolated(nonsending) func greet(_ connection: TCPConnection) async throws {
  try await connection.write("hello")
}

actor Statistics {
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    LoopExecutor.main.asUnownedSerialExecutor()
  }
  private var greetings = 0
  func greeted() -> Int {
    greetings += 1
    return greetings
  }
}

/// The main actor is served on the main thread, where no test runs: this is compiled, and
/// `AsyncProgramTests` runs the like.
@MainActor func serveTheMainActor(_ greeter: Greeter) throws {
  let loop = try EventLoop()
  try loop.serveMainActor()
  LoopTimer.after(.milliseconds(1), on: loop) { _ in
    Task { await greeter.greet() }
  }
  loop.run()
}

@MainActor struct Greeter {
  func greet() async { print("hello") }
}
