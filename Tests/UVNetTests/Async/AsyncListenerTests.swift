import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncListenerTests {
  @LoopActor private static func listen(on loop: EventLoop) throws -> AsyncListener<TCPConnection> {
    try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
  }

  @Test func `one connection's error ends that connection only`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      let failures = CallRecord()
      let server = loop.task {
        try await listener.serve(onFailure: { _, error in failures.record("\(error)") }) {
          connection in
          for try await bytes in connection.chunks { try await connection.write(bytes) }
        }
      }
      let good = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      let bad = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await bad.write("x")
      _ = try await bad.read(exactly: 1)
      bad.reset()
      while failures.names.isEmpty { try await loop.sleep(for: .milliseconds(1)) }
      #expect(failures.names == ["\(UVError(.connectionReset, during: .read))"])
      try await good.write("still here")
      #expect(try await good.read(exactly: 10) == Array("still here".utf8))
      listener.close()
      good.closeGracefully()
      try await server.value
    }
  }

  @Test func `a closed listener lets its connections end, and serve returns after the last`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      let calls = CallRecord()
      let server = loop.task {
        try await listener.serve { connection in
          while let bytes = try await connection.read({ $0.array }) {
            try await connection.write(bytes)
          }
          calls.record("served")
        }
        calls.record("serve returned")
      }
      let client = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await client.write("a")
      _ = try await client.read(exactly: 1)
      listener.close()
      #expect(listener.isClosing)
      try await client.write("b")
      #expect(try await client.read(exactly: 1) == Array("b".utf8))
      client.closeGracefully()
      try await server.value
      #expect(calls.names == ["served", "serve returned"])
    }
  }

  @Test func `cancelling serve ends the connections at once`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      let errors = CallRecord()
      let server = loop.task {
        try await listener.serve(onFailure: { _, error in errors.record("\(error)") }) {
          connection in while try await connection.read({ $0.byteCount }) != nil {}
        }
      }
      let idle = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await idle.write("x")
      try await loop.sleep(for: .milliseconds(5))
      server.cancel()
      let error = await #expect(throws: UVError.self) { try await server.value }
      #expect(error == UVError(.canceled, during: .accept))
      #expect(errors.names == ["\(UVError(.canceled, during: .read))"])
      #expect(try await idle.read { $0.byteCount } == nil)
      #expect(!listener.isClosing)
    }
  }

  @Test func `connections are a sequence, and a few wait for who does not ask yet`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      var clients: [TCPConnection] = []
      for _ in 0..<40 {
        clients.append(try await TCPConnection.connect(to: listener.localAddress, on: loop))
      }
      var accepted = 0
      for try await connection in listener {
        connection.close()
        accepted += 1
        if accepted == 30 { break }
      }
      listener.close()
      #expect(try await listener.accept() == nil)
      // The ten that nobody took are closed with the listener, or by the system.
      for client in clients {
        do { #expect(try await client.read { $0.byteCount } == nil) } catch {
          #expect((error as? UVError)?.code == .connectionReset)
        }
      }
    }
  }

  @Test func `a cancelled accept takes no connection`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      let accepting = loop.task { _ = try await listener.accept() }
      await Task.yield()
      let client = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      accepting.cancel()
      // Either it has the connection, or the next one does.
      if case .failure(let error) = await accepting.result {
        #expect(error as? UVError == UVError(.canceled, during: .accept))
        let connection = try #require(try await listener.accept())
        try await client.write("x")
        #expect(try await connection.read(exactly: 1) == [UInt8(ascii: "x")])
      }
      let again = loop.task { _ = try await listener.accept() }
      await Task.yield()
      again.cancel()
      let error = await #expect(throws: UVError.self) { try await again.value }
      #expect(error == UVError(.canceled, during: .accept))
      let second = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await second.write("y")
      let accepted = try #require(try await listener.accept())
      #expect(try await accepted.read(exactly: 1) == [UInt8(ascii: "y")])
    }
  }

  @Test func `serve closes gracefully what has returned, and at once what has thrown`()
    async throws
  {
    struct Enough: Error {}
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      let size = 4 << 20
      let server = loop.task {
        try await listener.serve { connection in
          let order = try await connection.read(exactly: 1)
          try connection.write([UInt8](repeating: 1, count: size), completion: nil)
          if order == [1] { throw Enough() }
        }
      }
      let patient = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await patient.write([0])
      // It sends on though the body has long returned.
      try await loop.sleep(for: .milliseconds(5))
      #expect(try await patient.read(exactly: size)?.count == size)
      #expect(try await patient.read { $0.byteCount } == nil)
      let refused = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await refused.write([1])
      var count = 0
      do { while let some = try await refused.read({ $0.byteCount }) { count += some } } catch {}
      #expect(count < size)
      patient.close()
      refused.close()
      listener.close()
      try await server.value
    }
  }

  @Test func `a second task that accepts is a mistake in the program`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try EventLoop.run { loop in
        let listener = try Self.listen(on: loop)
        loop.task { _ = try await listener.accept() }
        await Task.yield()
        _ = try await listener.accept()
      }
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(
      said.contains(
        "mistake in the program: two tasks accept connections of a listener at the same time"))
  }

  @Test func `a connection attempt that is cancelled leaves nothing open`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      let attempt = loop.task {
        _ = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      }
      await Task.yield()
      attempt.cancel()
      let error = await #expect(throws: UVError.self) { try await attempt.value }
      #expect(error == UVError(.canceled, during: .connect))
      listener.close()
      while loop.openHandles.contains(where: { $0.hasPrefix("TCPConnection") }) {
        try await loop.sleep(for: .milliseconds(1))
      }
    }
  }

  @Test func `nobody who listens is the system's error`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try Self.listen(on: loop)
      let address = listener.localAddress
      listener.close()
      try await loop.sleep(for: .milliseconds(1))
      let error = await #expect(throws: UVError.self) {
        _ = try await TCPConnection.connect(to: address, on: loop)
      }
      #expect(error == UVError(.connectionRefused, during: .connect))
    }
  }
}
