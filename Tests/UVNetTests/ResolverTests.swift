import Testing
import UVNet
import UVNetTestKit

@Suite struct ResolverTests {
  @Test func `a numeric address is given back later, without a look-up`() throws {
    try LoopHarness.run { loop, calls in
      for host in ["192.0.2.7", "2001:db8::1"] {
        Resolver.resolve(host, port: 80, on: loop) { result in
          #expect((try? result.get().map(\.host)) == [host])
          calls.record(host)
        }
      }
      #expect(loop.openHandles.count == 1, "only the watchdog: \(loop.openHandles)")
      calls.record("asked")
      calls.expect(["asked", "192.0.2.7", "2001:db8::1"])
    }
  }

  @Test func `localhost has loopback addresses, each once, with the port`() throws {
    try LoopHarness.run { loop, calls in
      Resolver.resolve("localhost", port: 81, on: loop) { result in
        expectNoError {
          let addresses = try result.get()
          #expect(!addresses.isEmpty)
          #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 81 })
          #expect(Set(addresses).count == addresses.count)
        }
        calls.record("resolved")
      }
      #expect(loop.openHandles.contains("Resolver localhost"))
      calls.expect(["resolved"])
    }
  }

  @Test func `what is no name, or has no address, is an error`() throws {
    for host in ["", "no such name", "name.invalid", "a\0b", String(repeating: "x", count: 300)] {
      try LoopHarness.run { loop, calls in
        Resolver.resolve(host, port: 1, on: loop) { result in
          if case .failure(let error) = result { calls.record("\(error.operation)") }
        }
        calls.expect(["resolve"])
      }
    }
  }

  @Test(arguments: [
    "127.1", "0177.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "127.0.0.1 ", " 127.1", "127.1.",
    "1.2.3.4.5", "256.1.1.1", "0x", "a.0X7F", "::g", "fe80::1", "::1%nosuch", "[::1]",
  ])
  func `what looks like a number and is no address is refused without a look-up`(host: String)
    throws
  {
    try LoopHarness.run { loop, calls in
      Resolver.resolve(host, port: 1, on: loop) { result in
        if case .failure(let error) = result { calls.record(error.name) }
      }
      #expect(loop.openHandles.count == 1, "only the watchdog: \(loop.openHandles)")
      calls.expect(["EINVAL"])
    }
  }

  @Test func `a cancelled look-up is told once, as cancelled`() throws {
    try LoopHarness.run { loop, calls in
      let resolver = Resolver.resolve("localhost", port: 1, on: loop) { result in
        if case .failure(let error) = result { calls.record(error.name) }
      }
      resolver.cancel()
      resolver.cancel()
      calls.expect(["ECANCELED"])
    }
  }

  @Test func `a loop with a look-up under way names it and does not close`() throws {
    let loop = try EventLoop()
    Resolver.resolve("localhost", port: 1, on: loop) { _ in }
    let error = #expect(throws: UVError.self) { try loop.close() }
    #expect(error?.detail == "Resolver localhost")
    loop.run()
    try loop.close()
  }
}

@Suite struct AdoptTests {
  @Test func `a connected socket can be adopted`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try RawSocket.listen()
      let descriptor = try RawSocket.connect(port: listener.port).release()
      let peer = try listener.accept()
      let connection = try TCPConnection.adopt(descriptor: descriptor, on: loop)
      connection.start(
        .init(
          onData: { connection, bytes in
            calls.record(String(decoding: bytes.array, as: UTF8.self))
            connection.close()
          }))
      try peer.send(Array("hello".utf8))
      calls.expect(["hello"])
      LoopTimer.after(.milliseconds(50), on: loop) { _ in withExtendedLifetime(peer) {} }
    }
  }

  @Test func `a listening socket can be adopted, and knows its port`() throws {
    try LoopHarness.run { loop, calls in
      let socket = try RawSocket.listen()
      let port = socket.port
      let listener = try TCPListener.adopt(descriptor: socket.release(), on: loop) {
        listener, connection in
        calls.record("accepted")
        connection.close()
        listener.close()
      }
      #expect(listener.localAddress.port == port)
      TCPConnection.connect(to: listener.localAddress, on: loop) { result in
        expectNoError { try result.get().close() }
      }
      calls.expect(["accepted"])
    }
  }

  @Test func `what is no connected socket is refused, and nothing is left open`() throws {
    try LoopHarness.run { loop, _ in
      let error = #expect(throws: UVError.self) {
        try TCPConnection.adopt(descriptor: -1, on: loop)
      }
      #expect(error?.code == .badDescriptor)
      let unconnected = try RawSocket.listen().release()
      #expect(throws: UVError.self) { try TCPConnection.adopt(descriptor: unconnected, on: loop) }
      close(unconnected)
      #expect(throws: UVError.self) { try TCPListener.adopt(descriptor: -1, on: loop) { _, _ in } }
    }
  }
}
