import TestTaskMessages
import TestTaskProto
import Testing
import UVNet
import UVNetTestKit

/// The real server, asked by tasks.
@Suite struct AsyncMessageTests {
  @Test func `a task reads the server's answers as a sequence of messages`() async throws {
    let server = try RunningServer()
    let address = SocketAddress(.loopback, port: server.port)
    try await AsyncHarness.run { loop in
      let connection = try await TCPConnection.connect(to: address, on: loop)
      for _ in 0..<100 { try await connection.write(Message.requestForFastResponse) }
      var count = 0
      for try await message in connection.messages() {
        guard case .fastResponse = message else { throw Unexpected(message: message) }
        count += 1
        if count == 100 { break }
      }
      try await connection.write(Message.requestForSlowResponse(timeInSecondsToSleep: 0))
      var messages = connection.messages().makeAsyncIterator()
      #expect(try await messages.next() == .slowResponse(connectedClientCount: 1))
      try await connection.write([1, 0])
      #expect(try await messages.next() == nil, "the server closes on a violation")
      connection.close()
    }
    #expect(try server.terminate() == .exit(0))
  }

  @Test func `a peer that breaks the rules is told by rule and offset`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let client = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      let connection = try #require(try await listener.accept())
      try await client.write([2, 0x1A, 0, 2, 0x1A])
      client.shutdown()
      var messages = connection.messages().makeAsyncIterator()
      #expect(try await messages.next() == .requestForFastResponse)
      let error = await #expect(throws: FrameError<ProtocolViolation>.self) {
        try await messages.next()
      }
      #expect(error == .malformed(ProtocolViolation(kind: .truncated, offset: 3)))
    }
  }

  private struct Unexpected: Error { let message: Message }
}
