import Testing
import UVNetTestKit

@testable import UVNet

/// What a socket does once it was paused, closed or disconnected.
@Suite struct UDPSocketStateTests {
  private static let anywhere = SocketAddress(.loopback, port: 0)

  private func array(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

  @Test("a program that pauses at each datagram is told of all in order, and few are held back")
  func pauseAtEachDatagram() throws {
    try LoopHarness.run { loop, _ in
      let server = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      for number in 0..<60 { try client.send([UInt8(number)], to: server.localAddress) }
      client.close()
      var received: [UInt8] = []
      var mostWithheld = 0
      server.start(
        .init(onDatagram: { server, bytes, _ in
          received += array(bytes)
          mostWithheld = max(mostWithheld, server.withheld.count)
          guard received.count < 60 else { return server.close() }
          server.pauseReceiving()
          loop.nextTick { server.resumeReceiving() }
        }))
      loop.run()
      #expect(received == Array(0..<60))
      #expect(mostWithheld < DatagramBatch.capacity)
    }
  }

  @Test("what comes after the datagrams that were held back is received")
  func pauseOnce() throws {
    try LoopHarness.run { loop, _ in
      let server = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      for number in 0..<40 { try client.send([UInt8(number)], to: server.localAddress) }
      client.close()
      var received: [UInt8] = []
      server.start(
        .init(onDatagram: { server, bytes, _ in
          received += array(bytes)
          if received.count == 1 {
            server.pauseReceiving()
            loop.nextTick { server.resumeReceiving() }
          }
          if received.count == 40 { server.close() }
        }))
      loop.run()
      #expect(received == Array(0..<40))
    }
  }

  @Test("a socket that is closed in onDrain is called no more, whoever has its descriptor then")
  func closeInOnDrain() throws {
    try LoopHarness.run { loop, calls in
      let gone = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let peer = try UDPSocket.bind(to: Self.anywhere, on: loop)
      let client = try UDPSocket.bind(to: Self.anywhere, on: loop)
      // Both are seen in one poll: what has come, and that there is room to send.
      try peer.send([1], to: client.localAddress)
      _ = [UInt8(2)].withUnsafeBytes { client.wait(with: $0, to: peer.localAddress) }
      var other: Int32 = -1
      client.start(
        .init(
          onDatagram: { _, _, _ in calls.record("datagram") },
          onError: { _, _ in calls.record("error") },
          onDrain: { client in
            calls.record("drained")
            let number = client.socket
            client.close()
            other = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            // Another test may have been faster.
            if other == number { Self.refuse(other, gone) } else { gone.close() }
            peer.close()
          },
          onClose: { _ in calls.record("closed") }))
      loop.run()
      calls.expect(["drained", "closed"])
      close(other)
    }
  }

  /// Closes `peer`, and sends to it, so that a refusal waits at a socket.
  private static func refuse(_ descriptor: Int32, _ peer: UDPSocket) {
    let address = peer.localAddress
    peer.close()
    _ = address.withSockaddr { connect(descriptor, $0, $1) }
    send(descriptor, "x", 1, 0)
  }

  @Test("a socket keeps the port that the system has chosen when it is disconnected")
  func portAfterDisconnect() throws {
    try LoopHarness.run { loop, calls in
      let pairs: [(IPAddress, IPAddress)] = [
        (.loopback, .loopback), (.any, .loopback), (.loopbackIPv6, .loopbackIPv6),
      ]
      for (own, others) in pairs {
        let socket = try UDPSocket.bind(to: SocketAddress(own, port: 0), on: loop)
        let peer = try UDPSocket.bind(to: SocketAddress(others, port: 0), on: loop)
        try socket.connect(to: peer.localAddress)
        try socket.disconnect()
        socket.start(
          .init(onDatagram: { socket, bytes, _ in
            calls.record("\(array(bytes))")
            socket.close()
          }))
        try peer.send([7], to: SocketAddress(others, port: socket.localAddress.port))
        peer.close()
        loop.run()
      }
      calls.expect(["[7]", "[7]", "[7]"])
    }
  }

  #if os(Linux)
    @Test("what is set for a socket at :: holds for what it sends to IPv4 as well")
    func optionsOfBothFamilies() throws {
      try LoopHarness.run { loop, _ in
        let socket = try UDPSocket.bind(to: SocketAddress(.anyIPv6, port: 0), on: loop)
        try socket.setTimeToLive(7)
        try socket.setMulticastTimeToLive(0)
        try socket.setMulticastLoopback(false)
        let options: [SocketOption] = [
          .unicastHopsIPv6, .timeToLive, .multicastHopsIPv6, .multicastTimeToLive,
          .multicastLoopIPv6, .multicastLoop,
        ]
        #expect(options.map { $0.value(on: socket.socket) } == [7, 7, 0, 0, 0, 0])
        try socket.setMulticastInterface("lo")
        try socket.setMulticastInterface(nil)
        socket.close()
      }
    }
  #endif
}
