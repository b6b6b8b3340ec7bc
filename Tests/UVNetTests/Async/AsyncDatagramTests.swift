import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncDatagramTests {
  @LoopActor private static func socket(
    on loop: EventLoop, _ options: UDPSocket.Options = .init()
  ) throws -> UDPSocket {
    try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop, options: options)
  }

  @Test func `datagrams are a sequence, which ends when the socket is closed`() async throws {
    try await AsyncHarness.run { loop in
      let server = try Self.socket(on: loop)
      let echo = loop.task {
        var count = 0
        for try await datagram in server.datagrams {
          try await server.send(datagram.bytes, to: datagram.origin.sender)
          count += 1
        }
        return count
      }
      let client = try Self.socket(on: loop)
      for size in [0, 1, 65507] {
        let bytes = [UInt8](repeating: 3, count: size)
        #expect(try await client.send(bytes, to: server.localAddress) == .sent)
        let answer = try #require(try await client.receive())
        #expect(answer.bytes == bytes && answer.origin.sender == server.localAddress)
      }
      server.close()
      #expect(try await echo.value == 3)
      client.close()
      #expect(try await client.receive() == nil)
      let error = await #expect(throws: UVError.self) {
        try await client.send([1], to: server.localAddress)
      }
      #expect(error == UVError(.badDescriptor, during: .send))
    }
  }

  @Test func `what nobody receives is kept up to a bound, then dropped and counted`() async throws {
    try await AsyncHarness.run { loop in
      let limits = UDPSocket.QueueLimits(maximumBytes: 1000, maximumDatagrams: 5)
      let server = try Self.socket(on: loop, .init(receiveLimits: limits))
      let client = try Self.socket(on: loop)
      try await client.send([0], to: server.localAddress)
      #expect(try await server.receive()?.bytes == [0])
      for number in 1...8 { try await client.send([UInt8(number)], to: server.localAddress) }
      while server.datagramsReceived < 9 { try await loop.sleep(for: .milliseconds(1)) }
      #expect(server.datagramsUnreceived == 3)
      for number in 1...5 { #expect(try await server.receive()?.bytes == [UInt8(number)]) }
      try await client.send([9], to: server.localAddress)
      #expect(try await server.receive()?.bytes == [9])
    }
  }

  @Test func `a task enqueues answers, which leave together when it waits`() async throws {
    try await AsyncHarness.run { loop in
      let server = try Self.socket(on: loop)
      let echo = loop.task {
        for try await datagram in server.datagrams {
          try server.enqueue(datagram.bytes, to: datagram.origin.sender)
        }
      }
      let client = try Self.socket(on: loop)
      for number in 0..<5 { try client.enqueue([UInt8(number)], to: server.localAddress) }
      // It sends first what was enqueued before.
      #expect(try await client.send([5], to: server.localAddress) == .sent)
      for number in 0..<6 { #expect(try await client.receive()?.bytes == [UInt8(number)]) }
      #expect(server.datagramsSent == 6 && client.datagramsSent == 6)
      server.close()
      client.close()
      try await echo.value
    }
  }

  @Test func `cancelling a task that receives loses no datagram`() async throws {
    try await AsyncHarness.run { loop in
      let server = try Self.socket(on: loop)
      let client = try Self.socket(on: loop)
      let receiver = loop.task { try await server.receive() }
      await Task.yield()
      receiver.cancel()
      let error = await #expect(throws: UVError.self) { try await receiver.value }
      #expect(error == UVError(.canceled, during: .receive))
      try await client.send([7], to: server.localAddress)
      #expect(try await server.receive()?.bytes == [7])
    }
  }

  @Test func `a refusal is thrown to who receives from a connected socket, which goes on`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let gone = try Self.socket(on: loop)
      let address = gone.localAddress
      gone.close()
      try await loop.sleep(for: .milliseconds(1))
      let client = try Self.socket(on: loop)
      try client.connect(to: address)
      let receiver = loop.task { try await client.receive() }
      await Task.yield()
      try await client.send([1])
      let error = await #expect(throws: UVError.self) { try await receiver.value }
      #expect(error?.code == .connectionRefused)
      let peer = try UDPSocket.bind(to: address, on: loop)
      try await client.send([2])
      let datagram = try #require(try await peer.receive())
      try await peer.send([3], to: datagram.origin.sender)
      #expect(try await client.receive()?.bytes == [3])
    }
  }

  @Test func `a socket that callbacks read is not read by tasks`() async {
    await #expect(processExitsWith: .failure) {
      try EventLoop.run { loop in
        let socket = try Self.socket(on: loop)
        socket.start(.init(onDatagram: { _, _, _ in }))
        _ = try await socket.receive()
      }
    }
  }

  @Test func `the end of the loop ends the wait as cancelled`() async throws {
    let end = CallRecord()
    nonisolated(unsafe) let record = end
    try await AsyncHarness.run { loop in
      let socket = try Self.socket(on: loop)
      loop.task {
        do { _ = try await socket.receive() } catch { record.record("\(error)") }
      }
      await Task.yield()
    }
    #expect(end.names == ["\(UVError(.canceled, during: .receive))"])
  }
}
