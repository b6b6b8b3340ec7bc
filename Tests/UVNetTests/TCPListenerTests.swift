import Testing
import UVNet
import UVNetTestKit

@Suite struct TCPListenerTests {
  static let anyPort = SocketAddress(.loopback, port: 0)

  @Test func `port 0 becomes the port that the system chose`() throws {
    try LoopHarness.run { loop, _ in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { _, _ in }
      #expect(listener.localAddress.port != 0)
      #expect(listener.localAddress.address == .loopback)
      listener.close()
      listener.close()
    }
  }

  @Test func `a port in use is an error of listen, and leaves nothing open`() throws {
    try LoopHarness.run { loop, _ in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { _, _ in }
      let error = #expect(throws: UVError.self) {
        try TCPListener.listen(at: listener.localAddress, on: loop) { _, _ in }
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.description == "listen: address already in use (EADDRINUSE)")
      listener.close()
    }
  }

  @Test func `an address that is not this machine's is an error of listen`() throws {
    try LoopHarness.run { loop, _ in
      let elsewhere = SocketAddress(try IPAddress("192.0.2.1"), port: 0)
      let error = #expect(throws: UVError.self) {
        try TCPListener.listen(at: elsewhere, on: loop) { _, _ in }
      }
      #expect(error?.code == .addressNotAvailable)
    }
  }

  @Test func `reusePort lets two listeners share a port`() throws {
    try LoopHarness.run { loop, _ in
      let options = TCPListener.Options(reusePort: true)
      let first = try TCPListener.listen(at: Self.anyPort, on: loop, options: options) { _, _ in }
      let second = try TCPListener.listen(at: first.localAddress, on: loop, options: options) {
        _, _ in
      }
      first.close()
      second.close()
    }
  }

  @Test func `IPv6 is served, and the peer's address is told`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: SocketAddress(.loopbackIPv6, port: 0), on: loop) {
        listener, connection in
        #expect(connection.remoteAddress?.address == .loopbackIPv6)
        #expect(connection.localAddress == listener.localAddress)
        calls.record("accepted")
        connection.close()
        listener.close()
      }
      TCPConnection.connect(to: listener.localAddress, on: loop) { result in
        expectNoError { try result.get().close() }
      }
      calls.expect(["accepted"])
    }
  }

  @Test func `while accepting is paused connections wait, and none is lost`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { listener, connection in
        calls.record("accepted")
        connection.close()
        if calls.count(of: "accepted") == 3 { listener.close() }
      }
      listener.pauseAccepting()
      var connected = 0
      for _ in 0..<3 {
        TCPConnection.connect(to: listener.localAddress, on: loop) { result in
          calls.record("connected")
          expectNoError { try result.get().close() }
          connected += 1
          // The kernel has connected all three before one is accepted.
          if connected == 3 { listener.resumeAccepting() }
        }
      }
      calls.expect(Array(repeating: "connected", count: 3) + Array(repeating: "accepted", count: 3))
    }
  }

  @Test func `a peer that resets before it is accepted leaves an unknown address`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { listener, connection in
        listener.close()
        #expect(connection.remoteAddress == nil)
        connection.start(
          .init(
            onData: { _, _ in Issue.record("no data was sent") },
            onClose: { _, reason in
              if case .failed(let error) = reason { calls.record(error.name) }
            }))
      }
      listener.pauseAccepting()
      let peer = try RawSocket.connect(port: listener.localAddress.port)
      LoopTimer.after(.milliseconds(1), on: loop) { _ in
        peer.reset()
        listener.resumeAccepting()
      }
      calls.expect(["ECONNRESET"])
    }
  }

  @Test func `a listener drops its closures when it is closed`() throws {
    final class Witness {}
    weak var weakWitness: Witness?
    try LoopHarness.run { loop, _ in
      let witness = Witness()
      weakWitness = witness
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { _, _ in
        Issue.record("nobody connects: \(witness)")
      }
      listener.close()
    }
    #expect(weakWitness == nil)
  }
}
