import Testing
import TestTaskTestSupport
import UVNet
import UVNetTestKit

/// What tasks do with Unix sockets, and with listeners at several addresses.
@Suite struct AsyncUnixTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/socket" }

  init() throws { folder = try TemporaryFolder() }

  @Test func `a task serves a Unix socket, and knows who is there`() async throws {
    let address = try UnixAddress(path: path)
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(
        at: address, on: loop, options: UnixListener.Options(mode: 0o600))
      #expect(listener.localAddress == address)
      let calls = CallRecord()
      let server = loop.task {
        try await listener.serve { connection in
          if connection.peerCredentials?.processID == getpid() { calls.record("from ourselves") }
          for try await bytes in connection.chunks { try await connection.write(bytes) }
        }
      }
      let client = try await UnixConnection.connect(to: address, on: loop)
      try await client.write("hello")
      #expect(try await client.read(exactly: 5) == Array("hello".utf8))
      client.closeGracefully()
      await client.finished()
      listener.close()
      try await server.value
      #expect(listener.isClosing)
      #expect(calls.names == ["from ourselves"])
    }
    #expect(access(path, F_OK) != 0, "the file stays")
  }

  @Test func `each reason why a Unix socket cannot be connected to is thrown`() async throws {
    let (path, address) = (path, try UnixAddress(path: path))
    try await AsyncHarness.run { loop in
      let missing = await #expect(throws: UVError.self) {
        try await UnixConnection.connect(to: address, on: loop).close()
      }
      #expect(missing?.code == .noSuchFile)
      try RawSocket.listen(path: path).close()
      let refused = await #expect(throws: UVError.self) {
        try await UnixConnection.connect(to: address, on: loop).close()
      }
      #expect(refused?.code == .connectionRefused)
    }
  }

  @Test func `a task that waits for room in a backlog can be cancelled`() async throws {
    let server = try RawSocket.listen(path: path, backlog: 0)
    let first = try RawSocket.connect(path: path)
    let address = try UnixAddress(path: path)
    try await AsyncHarness.run { loop in
      let connecting = loop.task {
        try await UnixConnection.connect(to: address, on: loop, timeout: nil).close()
      }
      try await loop.sleep(for: .milliseconds(12))
      connecting.cancel()
      let error = await #expect(throws: UVError.self) { try await connecting.value }
      #expect(error == UVError(.canceled, during: .connect))
    }
    withExtendedLifetime((server, first)) {}
  }

  @Test func `a given Unix socket is listened on, and its file stays`() async throws {
    let socket = try RawSocket.listen(path: path)
    let address = try UnixAddress(path: path)
    try await AsyncHarness.run { loop in
      let listener: AsyncListener<UnixConnection> = try .adopt(
        descriptor: socket.release(), on: loop)
      let client = try await UnixConnection.connect(to: address, on: loop)
      let accepted = try #require(try await listener.accept())
      try await accepted.write("x")
      #expect(try await client.read(exactly: 1) == Array("x".utf8))
      accepted.close()
      client.close()
      listener.close()
    }
    #expect(access(path, F_OK) == 0)
  }

  @Test func `one listener accepts at all addresses, and holds all of them back`() async throws {
    try await AsyncHarness.run { loop in
      let addresses = [SocketAddress(.loopback, port: 0), SocketAddress(.loopbackIPv6, port: 0)]
      let listener = try AsyncListener.listen(atAllOf: addresses, on: loop)
      #expect(listener.localAddresses.map(\.address) == addresses.map(\.address))
      #expect(Set(listener.localAddresses.map(\.port)).count == 1)
      var clients: [TCPConnection] = []
      for number in 0..<60 {
        let address = listener.localAddresses[number % 2]
        clients.append(try await TCPConnection.connect(to: address, on: loop))
      }
      var families = Set<Bool>()
      for _ in clients {
        let connection = try #require(try await listener.accept())
        families.insert(connection.localAddress?.isIPv6 == true)
        connection.close()
      }
      #expect(families == [true, false])
      listener.close()
      #expect(try await listener.accept() == nil)
      for client in clients { client.close() }
    }
  }

  @Test func `a name's addresses are listened at, and one that fails is named`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try await AsyncListener.listen(host: "127.0.0.1", port: 0, on: loop)
      let port = listener.localAddress.port
      #expect(listener.localAddresses.map(\.description) == ["127.0.0.1:\(port)"])
      let error = await #expect(throws: UVError.self) {
        try await AsyncListener.listen(host: "127.0.0.1", port: port, on: loop).close()
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.detail == "127.0.0.1:\(port)")
      let looking = loop.task {
        try await AsyncListener.listen(host: "localhost", port: 0, on: loop).close()
      }
      looking.cancel()
      await #expect(throws: UVError.self) { try await looking.value }
      listener.close()
    }
  }
}
