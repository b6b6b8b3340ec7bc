import TestTaskMessages
import TestTaskProto
import Testing
import UVNet
import UVNetTestKit

/// Runs the code of the articles and comments on frames, lines and datagrams.
@Suite struct FramesTests {
  /// A server that serves each connection by `body`, and a client of it.
  @LoopActor private static func withClient(
    on loop: EventLoop, servedBy body: @escaping @LoopActor (TCPConnection) async throws -> Void,
    _ client: @escaping @LoopActor (TCPConnection) async throws -> Void
  ) async throws {
    let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
    let server = loop.task { try await listener.serve(body) }
    let connection = try await TCPConnection.connect(to: listener.localAddress, on: loop)
    try await client(connection)
    connection.close()
    listener.close()
    try await server.value
  }

  @Test func `lines are counted`() async throws {
    try await AsyncHarness.run { loop in
      try await Self.withClient(on: loop) { connection in
        for try await line in connection.frames(using: .lines, maximumLength: 512) {
          try await connection.write("\(line.count) characters\n")
        }
      } _: { client in
        try await client.write("one\ntwenty\r\n")
        var answers = client.frames(using: .lines).makeAsyncIterator()
        #expect(try await answers.next() == "3 characters")
        #expect(try await answers.next() == "6 characters")
      }
    }
  }

  @Test func `a decoder of one's own`() async throws {
    try await AsyncHarness.run { loop in
      try await Self.withClient(on: loop) { connection in
        for try await point in connection.frames(using: PointDecoder()) {
          try await connection.write("\(point)\n")
        }
      } _: { client in
        try await client.write([1, 2, 3])
        var answers = client.frames(using: .lines).makeAsyncIterator()
        #expect(try await answers.next() == "Point(x: 1, y: 2)")
      }
    }
    try DecoderVerifier { PointDecoder() }.verify(
      [1, 2, 3, 4, 5], gives: [Point(x: 1, y: 2), Point(x: 3, y: 4)],
      then: .truncated(byteCount: 1))
  }

  @Test func `a request with a body of so many bytes`() async throws {
    try await AsyncHarness.run { loop in
      try await Self.withClient(on: loop) { connection in
        var lines = connection.frames(using: .lines, maximumLength: 512).makeAsyncIterator()
        while let line = try await lines.next() {
          guard let count = Int(line), count < 65536 else { return }
          guard let body = try await connection.read(exactly: count) else { return }
          try await connection.write(body.reversed())
        }
      } _: { client in
        try await client.write("3\r\nabc2\r\nde")
        #expect(try await client.read(exactly: 5) == Array("cbaed".utf8))
      }
    }
  }

  @Test func `datagrams are sent back`() async throws {
    try await AsyncHarness.run { loop in
      let socket = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      loop.task {
        for try await datagram in socket.datagrams {
          try await socket.send(datagram.bytes, to: datagram.origin.sender)
        }
      }
      let client = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      try await client.send([1, 2], to: socket.localAddress)
      #expect(try await client.receive()?.bytes == [1, 2])
    }
  }

  @Test func `a line of standard input`() async {
    await #expect(processExitsWith: .success) {
      try EventLoop.run { loop in
        for try await line in try StandardInput.lines(on: loop) {
          print(line.uppercased())
        }
      }
    }
  }

  @Test func `messages of the protocol`() async throws {
    try await AsyncHarness.run { loop in
      try await Self.withClient(on: loop) { connection in
        for try await request in connection.messages() where request.isRequest {
          try await connection.write(Message.slowResponse(connectedClientCount: 1))
          connection.shutdown()
        }
      } _: { connection in
        try await connection.write(Message.requestForFastResponse)
        for try await message in connection.messages() { print(message) }
      }
    }
  }

  @Test func `a decoder is verified`() throws {
    let verifier = DecoderVerifier(maximumLength: 20) { .lines }
    try verifier.verify("one\r\ntwo\n", gives: ["one", "two"])
    try verifier.verify("one\ntw", gives: ["one"], then: .truncated(byteCount: 2))
  }
}

struct Point: Equatable {
  var x: UInt8
  var y: UInt8
}

struct PointDecoder: Decoding {
  func decode(_ bytes: RawSpan) -> Decoded<Point> {
    guard bytes.byteCount >= 2 else { return .needs(byteCount: 2) }
    let pair = [UInt8](bytes.extracting(first: 2))
    return .frame(Point(x: pair[0], y: pair[1]), consumed: 2)
  }
}
