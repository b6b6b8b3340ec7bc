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
