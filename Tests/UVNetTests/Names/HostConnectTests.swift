import Testing
import UVNet
import UVNetTestKit

@Suite struct HostConnectTests {
  @Test func `a numeric host is connected to without a look-up`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      TCPConnection.connect(host: "127.0.0.1", port: peer.port, on: loop) { result in
        expectNoError { try result.get().close() }
        calls.record("connected")
        withExtendedLifetime(peer) {}
      }
      #expect(!loop.openHandles.contains { $0.hasPrefix("Resolver") })
      calls.record("asked")
      calls.expect(["asked", "connected"])
    }
  }

  @Test func `a name is looked up, and one of its addresses connected to`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      let attempt = TCPConnection.connect(host: "localhost", port: peer.port, on: loop) { result in
        expectNoError {
          let connection = try result.get()
          #expect(connection.remoteAddress == SocketAddress(.loopback, port: peer.port))
          connection.close()
        }
        calls.record("connected")
      }
      #expect(loop.openHandles.contains("Resolver localhost"))
      #expect(attempt.addresses.isEmpty)
      calls.expect(["connected"])
    }
  }

  @Test func `an address that does not answer costs the delay, and its attempt is cancelled`()
    throws
  {
    try LoopHarness.run { loop, calls in
      let hole = try SilentListener()
      let peer = try RawSocket.listen()
      let begin = loop.now
      let attempt = TCPConnection.connect(
        toAnyOf: [hole.address, SocketAddress(.loopback, port: peer.port)], on: loop, timeout: nil,
        attemptDelay: .milliseconds(50)
      ) { result in
        #expect(begin.duration(to: loop.now) >= .milliseconds(50))
        calls.record("connected")
        loop.nextTick {
          // That of the one that stands, and no more of the attempt at the hole.
          #expect(loop.openHandles.count { $0.hasPrefix("TCPConnection") } == 1)
          expectNoError { try result.get().close() }
          withExtendedLifetime((hole, peer)) {}
        }
      }
      #expect(attempt.addresses.count == 2)
      calls.expect(["connected"])
    }
  }

  @Test func `the next address is tried as soon as one is refused`() throws {
    try LoopHarness.run { loop, calls in
      let nobody = try RawSocket.listen().port  // closed again at once
      let peer = try RawSocket.listen()
      var attempt: HostConnectAttempt?
      // An hour's delay: the test ends only if a refusal does not wait for it.
      attempt = TCPConnection.connect(
        toAnyOf: [nobody, peer.port].map { SocketAddress(.loopback, port: $0) }, on: loop,
        timeout: nil, attemptDelay: .seconds(3600)
      ) { result in
        expectNoError { try result.get().close() }
        #expect(attempt?.failures.map(\.address.port) == [nobody])
        #expect(attempt?.failures.map(\.error.code) == [.connectionRefused])
        calls.record("connected")
        attempt = nil
        withExtendedLifetime(peer) {}
      }
      calls.expect(["connected"])
    }
  }

  @Test func `when all addresses fail the error tells of each, once`() throws {
    try LoopHarness.run { loop, calls in
      let port = try RawSocket.listen().port
      let addresses = try (1...100).map {
        SocketAddress(try IPAddress("127.0.1.\($0)"), port: port)
      }
      var attempt: HostConnectAttempt?
      attempt = TCPConnection.connect(toAnyOf: addresses + addresses, on: loop) { result in
        if case .failure(let error) = result {
          #expect(error.code == .connectionRefused)
          #expect(error.detail?.hasPrefix("127.0.1.1:\(port): connection refused") == true)
          #expect(error.detail?.hasSuffix("; and 92 more") == true)
          calls.record("failed")
        }
        #expect(attempt?.failures.map(\.address) == addresses)
        attempt = nil
      }
      calls.record("asked")
      calls.expect(["asked", "failed"])
    }
  }

  @Test func `no addresses are an error that is told later`() throws {
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(toAnyOf: [], on: loop) { result in
        #expect(result.failureCode == .destinationRequired)
        calls.record("no address")
      }
      calls.record("asked")
      calls.expect(["asked", "no address"])
    }
  }

  @Test func `the time for all attempts ends them, and the error says who has not answered`() throws
  {
    try LoopHarness.run { loop, calls in
      let holes = [try SilentListener(), try SilentListener()]
      TCPConnection.connect(
        toAnyOf: holes.map(\.address), on: loop, timeout: .milliseconds(60),
        attemptDelay: .milliseconds(10)
      ) { result in
        if case .failure(let error) = result {
          #expect(error.code == .timedOut)
          #expect(error.detail == holes.map { "\($0.address): no answer" }.joined(separator: "; "))
          calls.record("timed out")
        }
        withExtendedLifetime(holes) {}
      }
      calls.expect(["timed out"])
    }
  }

  @Test func `cancelling is told once, as cancelled, in every phase`() throws {
    try LoopHarness.run { loop, calls in
      let hole = try SilentListener()
      let record = { (name: String) in
        { (result: Result<TCPConnection, UVError>) in
          #expect(result.failureCode == .canceled)
          calls.record(name)
        }
      }
      let lookUp = TCPConnection.connect(
        host: "localhost", port: 1, on: loop, completion: record("look-up"))
      let numeric = TCPConnection.connect(
        host: "127.0.0.1", port: 1, on: loop, completion: record("numeric"))
      let connecting = TCPConnection.connect(
        toAnyOf: [hole.address], on: loop, completion: record("connecting"))
      for attempt in [lookUp, numeric, connecting, connecting] { attempt.cancel() }
      LoopTimer.after(.milliseconds(1), on: loop) { _ in withExtendedLifetime(hole) {} }
      calls.record("asked")
      calls.expect(["asked", "look-up", "numeric", "connecting"])
    }
  }

  @Test func `cancelling in the completion, and after it, does nothing`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      var attempt: HostConnectAttempt?
      attempt = TCPConnection.connect(host: "127.0.0.1", port: peer.port, on: loop) { result in
        attempt?.cancel()
        calls.record(result.failureCode?.name ?? "connected")
        expectNoError { try result.get().close() }
        loop.nextTick {
          withExtendedLifetime(peer) {}
          attempt?.cancel()
          attempt = nil
        }
      }
      calls.expect(["connected"])
    }
  }

  @Test func `the end of the loop ends an attempt, and begins no other`() throws {
    let loop = try EventLoop()
    let hole = try SilentListener()
    var codes: [UVError.Code?] = []
    let addresses = [hole.address] + (1...50).map { SocketAddress(.loopback, port: $0) }
    let attempt = TCPConnection.connect(toAnyOf: addresses, on: loop, timeout: nil) {
      codes.append($0.failureCode)
    }
    TCPConnection.connect(host: "localhost", port: 1, on: loop) { codes.append($0.failureCode) }
    loop.endAndClose()
    #expect(codes == [.canceled, .canceled])
    #expect(attempt.failures.isEmpty)
    withExtendedLifetime(hole) {}
  }

  @Test func `what is no name is told later`() throws {
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(host: "127.1", port: 1, on: loop) { result in
        if case .failure(let error) = result { calls.record("\(error.operation) \(error.name)") }
      }
      calls.record("asked")
      calls.expect(["asked", "resolve EINVAL"])
    }
  }
}

@Suite struct HostListenTests {
  @Test func `all addresses are listened at, on one port that the system chooses`() throws {
    try LoopHarness.run { loop, calls in
      let addresses = try ["127.0.0.1", "127.0.0.2"].map { try SocketAddress(host: $0, port: 0) }
      let listeners = try TCPListener.listen(atAllOf: addresses, on: loop) { listener, connection in
        calls.record("\(listener.localAddress.address)")
        connection.close()
        listener.close()
      }
      #expect(listeners.map(\.localAddress.address) == addresses.map(\.address))
      #expect(Set(listeners.map(\.localAddress.port)).count == 1)
      TCPConnection.connect(to: listeners[1].localAddress, on: loop) { result in
        expectNoError { try result.get().close() }
        TCPConnection.connect(to: listeners[0].localAddress, on: loop) { result in
          expectNoError { try result.get().close() }
        }
      }
      calls.expect(["127.0.0.2", "127.0.0.1"])
    }
  }

  @Test func `an address that cannot be listened at is named, and the others are free again`()
    throws
  {
    try LoopHarness.run { loop, _ in
      let taken = try RawSocket.listen()
      let free = SocketAddress(try IPAddress("127.0.0.2"), port: taken.port)
      let error = #expect(throws: UVError.self) {
        try TCPListener.listen(
          atAllOf: [free, SocketAddress(.loopback, port: taken.port)], on: loop
        ) { _, _ in }
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.detail == "127.0.0.1:\(taken.port)")
      let again = try TCPListener.listen(at: free, on: loop) { _, _ in }
      again.close()
      #expect(throws: UVError.self) { try TCPListener.listen(atAllOf: [], on: loop) { _, _ in } }
    }
  }

  @Test func `a name is listened at, at all its addresses`() throws {
    try LoopHarness.run { loop, calls in
      TCPListener.listen(
        host: "localhost", port: 0, on: loop, onConnection: { $1.close() },
        completion: { result in
          expectNoError {
            let listeners = try result.get()
            #expect(!listeners.isEmpty)
            #expect(listeners.allSatisfy { $0.localAddress.isLoopback })
            #expect(Set(listeners.map(\.localAddress.port)).count == 1)
            for listener in listeners { listener.close() }
          }
          calls.record("listening")
        })
      calls.record("asked")
      calls.expect(["asked", "listening"])
    }
  }

  @Test func `both families can be listened at in full`() throws {
    try LoopHarness.run { loop, _ in
      let both = [SocketAddress(.anyIPv6, port: 0), SocketAddress(.any, port: 0)]
      for listener in try TCPListener.listen(atAllOf: both, on: loop, onConnection: { $1.close() })
      {
        listener.close()
      }
    }
  }

  @Test func `a look-up for a listener is cancelled, or fails, once`() throws {
    try LoopHarness.run { loop, calls in
      let listen = { (host: String) in
        TCPListener.listen(
          host: host, port: 0, on: loop, onConnection: { $1.close() },
          completion: { result in
            if case .failure(let error) = result { calls.record(error.name) }
          })
      }
      listen("localhost").cancel()
      _ = listen("127.1")
      calls.expect(["ECANCELED", "EINVAL"])
    }
  }
}
