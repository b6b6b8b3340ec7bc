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

  @Test func `only the wanted family is given, and a numeric host of the other has no address`()
    throws
  {
    try LoopHarness.run { loop, calls in
      Resolver.resolve("localhost", port: 1, family: .ipv4, on: loop) { result in
        #expect((try? result.get().map(\.address)) == [.loopback])
        calls.record("localhost")
      }
      for (host, family) in [("::1", Resolver.Family.ipv4), ("127.0.0.1", .ipv6), ("::1", .ipv6)] {
        Resolver.resolve(host, port: 1, family: family, on: loop) { result in
          calls.record((try? result.get().first?.host) ?? result.failureCode?.name ?? "")
        }
      }
      calls.expect(["EAI_NODATA", "EAI_NODATA", "::1", "localhost"])
    }
  }

  @Test func `a service is a number, or a name that the system knows`() throws {
    try LoopHarness.run { loop, calls in
      Resolver.resolve("::1", service: "8080", on: loop) { result in
        #expect((try? result.get().map(\.description)) == ["[::1]:8080"])
        calls.record("number")
      }
      #expect(loop.openHandles.count == 1, "only the watchdog: \(loop.openHandles)")
      Resolver.resolve("127.0.0.1", service: "domain", transport: .udp, on: loop) { result in
        // Where the system has no list of services, it knows none.
        if result.failureCode != .serviceNotFound {
          #expect((try? result.get().map(\.description)) == ["127.0.0.1:53"])
        }
        Resolver.resolve("localhost", service: "no-such-thing", on: loop) { result in
          #expect(result.failureCode == .serviceNotFound)
          calls.record("no service")
        }
        calls.record("name")
      }
      calls.expect(["number", "name", "no service"])
    }
  }

  @Test(arguments: ["65536", "", "-1", "+80", "80 ", "ht tp", "a\0b", "é"])
  func `what is neither a port nor a service's name is refused without a look-up`(service: String)
    throws
  {
    try LoopHarness.run { loop, calls in
      Resolver.resolve("localhost", service: service, on: loop) { result in
        calls.record(result.failureCode?.name ?? "resolved")
      }
      #expect(loop.openHandles.count == 1, "only the watchdog: \(loop.openHandles)")
      calls.expect(["EINVAL"])
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
