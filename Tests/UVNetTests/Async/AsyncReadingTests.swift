import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncReadingTests {
  @Test func `a server echoes what its client sends`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(
        at: SocketAddress(.loopback, port: 0), on: loop)
      let server = loop.task {
        try await listener.serve { connection in
          for try await bytes in connection.chunks { try await connection.write(bytes) }
        }
      }
      let client = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await client.write("hello")
      let answer = try await client.read(exactly: 5)
      #expect(answer == Array("hello".utf8))
      client.shutdown()
      #expect(try await client.read { $0.byteCount } == nil)
      client.close()
      await client.finished()
      listener.close()
      try await server.value
    }
  }

  @Test func `a task can be cancelled while it reads, and the bytes are read by the next`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let reader = loop.task { () async throws -> Int? in try await near.read { $0.byteCount } }
      reader.cancel()
      let error = await #expect(throws: UVError.self) { try await reader.value }
      #expect(error == UVError(.canceled, during: .read))
      try await far.write("later")
      #expect(try await near.read(exactly: 5) == Array("later".utf8))
    }
  }
}

/// Two ends of a connection.
@LoopActor func pair(on loop: EventLoop) async throws -> (TCPConnection, TCPConnection) {
  let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
  defer { listener.close() }
  let near = try await TCPConnection.connect(to: listener.localAddress, on: loop)
  let far = try #require(try await listener.accept())
  return (near, far)
}
