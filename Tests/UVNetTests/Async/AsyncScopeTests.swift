import Testing
import UVNet
import UVNetTestKit

/// Tasks that use one connection, each in a scope of its own.
@Suite struct AsyncScopeTests {
  private static let cancelled = UVError(.canceled, during: .read)

  @Test func `a reader in a scope can be cancelled after another task's scope is over`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, _) = try await pair(on: loop)
      let mayEnd = Gate()
      let other = loop.task { await near.scoped { await mayEnd.wait(on: loop) } }
      await Task.yield()
      let reader = loop.task { try await near.scoped { _ = try await near.read { _ in } } }
      await Task.yield()
      mayEnd.open()
      await other.value
      reader.cancel()
      #expect(await #expect(throws: UVError.self) { try await reader.value } == Self.cancelled)
    }
  }

  @Test func `a reader in a scope can be cancelled while another task has a later one`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, _) = try await pair(on: loop)
      let mayEnd = Gate()
      let reader = loop.task { try await near.scoped { _ = try await near.read { _ in } } }
      await Task.yield()
      let other = loop.task { await near.scoped { await mayEnd.wait(on: loop) } }
      await Task.yield()
      reader.cancel()
      #expect(await #expect(throws: UVError.self) { try await reader.value } == Self.cancelled)
      mayEnd.open()
      await other.value
    }
  }

  @Test func `cancelling one task leaves those waiting that have other scopes`() async throws {
    let piece = [UInt8](repeating: 7, count: 65536)
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let mayEnd = Gate()
      let reader = loop.task {
        try await near.scoped { try await near.read { $0.byteCount } }
      }
      while near.isWritable { try near.write(piece, completion: nil) }
      let writer = loop.task { try await near.scoped { try await near.drained() } }
      await Task.yield()
      let other = loop.task {
        await near.scoped {
          await mayEnd.wait(on: loop)
          // Its own wait ends at once.
          let error = await #expect(throws: UVError.self) { try await near.drained() }
          #expect(error == UVError(.canceled, during: .write))
        }
      }
      await Task.yield()
      other.cancel()
      mayEnd.open()
      await other.value
      let drain = loop.task { while try await far.read({ $0.byteCount }) != nil {} }
      try await writer.value
      try await far.write("x")
      #expect(try await reader.value == 1)
      near.close()
      try await drain.value
    }
  }

  @Test func `cancelling serve ends a connection that a child task uses in a scope of its own`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let server = loop.task {
        try await listener.serve { connection in
          let mayEnd = Gate()
          let writer = loop.task { await connection.scoped { await mayEnd.wait(on: loop) } }
          defer {
            mayEnd.open()
            writer.cancel()
          }
          while try await connection.read({ $0.byteCount }) != nil {}
        }
      }
      let client = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await loop.sleep(for: .milliseconds(5))
      server.cancel()
      let error = await #expect(throws: UVError.self) { try await server.value }
      #expect(error == UVError(.canceled, during: .accept))
      #expect(try await client.read { $0.byteCount } == nil)
    }
  }
}
