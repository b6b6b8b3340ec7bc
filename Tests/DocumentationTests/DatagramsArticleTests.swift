import Testing
import UVNet
import UVNetTestKit

/// Runs the code of the article on datagrams.
@Suite(.serialized) struct DatagramsArticleTests {
  @Test func `datagrams: an echo in callbacks`() throws {
    try LoopHarness.run { loop, calls in
      let socket = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      socket.start(
        .init(onDatagram: { socket, bytes, origin in
          _ = try? socket.send(bytes, to: origin.sender)
        }))
      let client = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      client.start(
        .init(onDatagram: { client, bytes, _ in
          calls.record(String(decoding: bytes))
          client.close()
          socket.close()
        }))
      try client.send(Array("hello".utf8), to: socket.localAddress)
      calls.expect(["hello"])
    }
  }

  @Test func `datagrams: several at once`() throws {
    try LoopHarness.run { loop, calls in
      let socket = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      socket.start(
        .init(
          onDatagram: { socket, bytes, origin in
            _ = try? socket.enqueue(bytes, to: origin.sender)
          },
          onError: { _, error in print("not sent: \(error)") }))
      let client = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      client.start(
        .init(onDatagram: { client, bytes, _ in
          calls.record(String(decoding: bytes))
          guard calls.names.count == 2 else { return }
          client.close()
          socket.close()
        }))
      for text in ["one", "two"] { try client.enqueue(Array(text.utf8), to: socket.localAddress) }
      calls.expect(["one", "two"])
    }
  }

  @Test func `datagrams: an echo in a task`() async throws {
    try await AsyncHarness.run { loop in
      let socket = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      let echo = loop.task {
        for try await datagram in socket.datagrams {
          try await socket.send(datagram.bytes, to: datagram.origin.sender)
        }
      }
      let client = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      try await client.send([1, 2], to: socket.localAddress)
      #expect(try await client.receive()?.bytes == [1, 2])
      socket.close()
      client.close()
      try await echo.value
    }
  }
}
