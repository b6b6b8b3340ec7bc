import Testing
import UVNetTestKit

@testable import UVNet

@Suite struct UDPSocketTests {
  private static let anywhere = SocketAddress(.loopback, port: 0)

  /// A socket that sends back what it gets, and is closed by the test.
  private func echo(on loop: EventLoop, at address: SocketAddress = anywhere) throws -> UDPSocket {
    let socket = try UDPSocket.bind(to: address, on: loop)
    socket.start(
      .init(onDatagram: { socket, bytes, origin in
        expectNoError { try socket.send(bytes, to: origin.sender) }
      }))
    return socket
  }

  private func array(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

  @Test("datagrams keep their bounds and their sender, from 0 bytes to 65 507")
  func sizes() throws {
    try LoopHarness.run { loop, calls in
      let server = try echo(on: loop)
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let sizes = [0, 1, 1472, 1473, 9000, 65507]
      var left = sizes
      client.start(
        .init(
          onDatagram: { client, bytes, origin in
            #expect(origin.sender == server.localAddress && !origin.isTruncated)
            let size = left.removeFirst()
            #expect(array(bytes) == (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            guard let next = left.first else {
              client.close()
              return server.close()
            }
            expectNoError {
              try client.send(
                (0..<next).map { UInt8(truncatingIfNeeded: $0 &* 7) }, to: server.localAddress)
            }
          },
          onClose: { _ in calls.record("closed") }))
      #expect(try client.send([], to: server.localAddress) == .sent)
      loop.run()
      #expect(left.isEmpty)
      calls.expect(["closed"])
    }
  }

  @Test("a datagram longer than what is taken says that it is truncated")
  func truncated() throws {
    try LoopHarness.run { loop, _ in
      let server = try UDPSocket.bind(
        to: Self.anywhere, on: loop, options: .init(maximumDatagramBytes: 4))
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      var seen: [([UInt8], Bool)] = []
      server.start(
        .init(onDatagram: { server, bytes, origin in
          seen.append((array(bytes), origin.isTruncated))
          if seen.count == 2 {
            server.close()
            client.close()
          }
        }))
      try client.send([1, 2, 3, 4], to: server.localAddress)
      try client.send([1, 2, 3, 4, 5], to: server.localAddress)
      loop.run()
      #expect(seen.map(\.0) == [[1, 2, 3, 4], [1, 2, 3, 4]])
      #expect(seen.map(\.1) == [false, true])
    }
  }

  @Test("a connected socket hears of a refusal, and only its peer")
  func refusal() throws {
    try LoopHarness.run { loop, calls in
      let gone = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let peer = gone.localAddress
      gone.close()
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      try client.connect(to: peer)
      #expect(client.remoteAddress == peer)
      client.start(
        .init(
          onDatagram: { _, _, _ in Issue.record("nobody sends") },
          onError: { client, error in
            #expect(error.code == .connectionRefused)
            calls.record("refused")
            client.close()
          },
          onClose: { _ in calls.record("closed") }))
      // After the close of the first socket.
      loop.nextTick { expectNoError { try client.send([1]) } }
      loop.run()
      calls.expect(["refused", "closed"])
    }
  }

  @Test("a refusal of an earlier datagram does not keep the next one from being sent")
  func refusalThenSend() throws {
    try LoopHarness.run { loop, calls in
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let reserved = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let peer = reserved.localAddress
      reserved.close()
      loop.run()
      try client.connect(to: peer)
      try client.send([1])
      // The system has the refusal by now: on loopback it comes with the sending.
      let server = try UDPSocket.bind(to: peer, on: loop)
      server.start(
        .init(onDatagram: { server, bytes, _ in
          #expect(array(bytes) == [2])
          calls.record("received")
          server.close()
          client.close()
        }))
      #expect(try client.send([2]) == .sent)
      loop.run()
      calls.expect(["received"])
    }
  }

  @Test("what cannot be sent is refused, with the reason")
  func refusedSends() throws {
    try LoopHarness.run { loop, _ in
      let socket = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let error = { (body: () throws(UVError) -> UDPSocket.SendResult) -> UVError.Code? in
        do throws(UVError) {
          _ = try body()
          return nil
        } catch { return error.code }
      }
      #expect(error { () throws(UVError) in try socket.send([1]) } == .destinationRequired)
      let tooLong = [UInt8](repeating: 0, count: 65508)
      #expect(
        error { () throws(UVError) in try socket.send(tooLong, to: socket.localAddress) }
          == .messageTooLong)
      let broadcast = try SocketAddress(parsing: "255.255.255.255:9")
      #expect(error { () throws(UVError) in try socket.send([1], to: broadcast) } == .accessDenied)
      try socket.connect(to: socket.localAddress)
      #expect(
        error { () throws(UVError) in try socket.send([1], to: socket.localAddress) }
          == .isConnected)
      try socket.disconnect()
      #expect(socket.remoteAddress == nil)
      #expect(error { () throws(UVError) in try socket.send([1]) } == .destinationRequired)
      socket.close()
      #expect(error { () throws(UVError) in try socket.send([1]) } == .badDescriptor)
    }
  }

  @Test("what has to wait does so in a bounded queue and leaves in order; the rest is dropped")
  func fullSocket() throws {
    try LoopHarness.run { loop, calls in
      let server = try UDPSocket.bind(
        to: Self.anywhere, on: loop, options: .init(receiveBufferBytes: 8 << 20))
      let client = try UDPSocket.bind(
        to: Self.anywhere, on: loop,
        options: .init(
          sendBufferBytes: 4096, sendLimits: .init(maximumBytes: 100_000, maximumDatagrams: 4)))
      var results: [UDPSocket.SendResult] = []
      // On loopback the kernel always has room, so that sending itself is left out.
      for number in 0..<6 {
        results.append(
          [UInt8(number)].withUnsafeBytes { client.wait(with: $0, to: server.localAddress) })
      }
      #expect(results == [.queued, .queued, .queued, .queued, .dropped, .dropped])
      #expect(client.datagramsDropped == 2)
      #expect(client.pendingDatagrams == 4 && client.pendingBytes == 4)
      var received: [UInt8] = []
      server.start(
        .init(onDatagram: { server, bytes, _ in
          received += array(bytes)
          if received.count == 4 {
            server.close()
            client.close()
          }
        }))
      client.start(
        .init(
          onDatagram: { _, _, _ in },
          onDrain: { client in
            #expect(client.pendingDatagrams == 0 && client.datagramsSent == 4)
            calls.record("drained")
          }))
      loop.run()
      #expect(received == [0, 1, 2, 3])
      calls.expect(["drained"])
    }
  }

  @Test("close in the middle of a batch ends it, and pausing keeps the rest for later")
  func closeAndPauseInABatch() throws {
    try LoopHarness.run { loop, calls in
      let server = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      for number in 0..<6 { try client.send([UInt8(number)], to: server.localAddress) }
      client.close()
      server.start(
        .init(
          onDatagram: { server, bytes, _ in
            calls.record("\(array(bytes))")
            if array(bytes) == [1] {
              server.pauseReceiving()
              loop.nextTick {
                calls.record("resume")
                server.resumeReceiving()
              }
            }
            if array(bytes) == [4] { server.close() }
          },
          onClose: { _ in calls.record("closed") }))
      loop.run()
      calls.expect(["[0]", "[1]", "resume", "[2]", "[3]", "[4]", "closed"])
    }
  }

  @Test("a socket that is paused, or was never started, keeps no loop alive")
  func liveness() throws {
    try LoopHarness.run { loop, _ in
      let quiet = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let paused = try UDPSocket.bind(to: Self.anywhere, on: loop)
      paused.start(.init(onDatagram: { _, _, _ in }))
      paused.pauseReceiving()
      loop.run()
      quiet.close()
      paused.close()
    }
  }

  @Test("a socket at :: exchanges datagrams with IPv4, whose addresses are shown as such")
  func dualStack() throws {
    try LoopHarness.run { loop, _ in
      let server = try UDPSocket.bind(to: SocketAddress(.anyIPv6, port: 0), on: loop)
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      server.start(
        .init(onDatagram: { server, bytes, origin in
          #expect(origin.sender == client.localAddress)
          expectNoError { try server.send(bytes, to: origin.sender) }
        }))
      client.start(
        .init(onDatagram: { client, bytes, _ in
          #expect(array(bytes) == [7])
          client.close()
          server.close()
        }))
      try client.send([7], to: SocketAddress(.loopback, port: server.localAddress.port))
      loop.run()
    }
  }

  @Test("sockets of both families and with different limits receive in turns on one loop")
  func receiversInTurns() throws {
    try LoopHarness.run { loop, calls in
      let short = try UDPSocket.bind(
        to: Self.anywhere, on: loop, options: .init(maximumDatagramBytes: 4))
      let long = try UDPSocket.bind(to: SocketAddress(.loopbackIPv6, port: 0), on: loop)
      let sockets = [short, long]
      let clients = try sockets.map {
        try UDPSocket.bind(to: SocketAddress($0.localAddress.address, port: 0), on: loop)
      }
      var left = 4
      for (socket, client) in zip(sockets, clients) {
        socket.start(
          .init(onDatagram: { _, bytes, origin in
            #expect(origin.sender == client.localAddress)
            calls.record("\(bytes.byteCount) \(origin.isTruncated)")
            left -= 1
            let turn = left % 2 == 0 ? 0 : 1
            guard left > 0 else { return (sockets + clients).forEach { $0.close() } }
            expectNoError {
              try clients[turn].send([1, 2, 3, 4, 5], to: sockets[turn].localAddress)
            }
          }))
      }
      try clients[0].send([1, 2, 3, 4, 5], to: short.localAddress)
      calls.expect(["4 true", "5 false", "4 true", "5 false"])
    }
  }

  @Test("a multicast group is joined by interface, heard, and left")
  func multicast() throws {
    try LoopHarness.run { loop, calls in
      let group = try IPAddress("239.255.77.1")
      let server = try UDPSocket.bind(
        to: SocketAddress(.any, port: 0), on: loop, options: .init(reuseAddress: true))
      try server.joinGroup(group, interface: "lo")
      #expect(throws: UVError.self) { try server.joinGroup(group, interface: "lo") }
      #expect(throws: UVError.self) { try server.joinGroup(.loopback) }
      #expect(throws: UVError.self) { try server.joinGroup(group, interface: "no-such-interface") }
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      try client.setMulticastInterface("lo")
      try client.setMulticastTimeToLive(0)
      #expect(throws: UVError.self) { try client.setMulticastTimeToLive(256) }
      #expect(throws: UVError.self) { try client.setTimeToLive(0) }
      server.start(
        .init(onDatagram: { server, bytes, _ in
          #expect(array(bytes) == [1])
          calls.record("heard")
          expectNoError { try server.leaveGroup(group, interface: "lo") }
          server.close()
          client.close()
        }))
      try client.send([1], to: SocketAddress(group, port: server.localAddress.port))
      loop.run()
      calls.expect(["heard"])
    }
  }

  @Test("a flood leaves others their turn: a batch is at most 16 datagrams")
  func fairness() throws {
    try LoopHarness.run { loop, _ in
      let server = try UDPSocket.bind(
        to: Self.anywhere, on: loop, options: .init(receiveBufferBytes: 1 << 20))
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      for _ in 0..<40 { try client.send([1], to: server.localAddress) }
      client.close()
      var received = 0
      var inThisTurn = 0
      server.start(
        .init(onDatagram: { server, _, _ in
          received += 1
          if inThisTurn == 0 { loop.nextTick { inThisTurn = 0 } }
          inThisTurn += 1
          #expect(inThisTurn <= 16)
          if received == 40 { server.close() }
        }))
      loop.run()
      #expect(received == 40)
    }
  }

  @Test("an address in use is an error, and the loop closes at once")
  func addressInUse() throws {
    try LoopHarness.run { loop, _ in
      let first = try UDPSocket.bind(to: Self.anywhere, on: loop)
      #expect(throws: UVError(.addressInUse, during: .bind)) {
        try UDPSocket.bind(to: first.localAddress, on: loop)
      }
      first.close()
    }
  }

  @Test("two sockets share an address where both ask for it")
  func reusePort() throws {
    try LoopHarness.run { loop, _ in
      let options = UDPSocket.Options(reusePort: true)
      let first = try UDPSocket.bind(to: Self.anywhere, on: loop, options: options)
      let second = try UDPSocket.bind(to: first.localAddress, on: loop, options: options)
      #expect(second.localAddress == first.localAddress)
      first.close()
      second.close()
    }
  }

  @Test("a datagram socket of another family is not adopted")
  func adoptionOfUnixSocket() throws {
    try LoopHarness.run { loop, _ in
      let other = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      let error = #expect(throws: UVError.self) {
        try UDPSocket.adopt(descriptor: other, on: loop)
      }
      #expect(error?.code == .invalidArgument)
      close(other)
    }
  }

  @Test("a stream's socket is not adopted")
  func adoption() throws {
    try LoopHarness.run { loop, _ in
      let stream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      #expect(throws: UVError.self) { try UDPSocket.adopt(descriptor: stream, on: loop) }
      close(stream)
      let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      let adopted = try UDPSocket.adopt(descriptor: datagrams, on: loop)
      #expect(adopted.localAddress.port == 0 && adopted.remoteAddress == nil)
      adopted.close()
    }
  }
}
