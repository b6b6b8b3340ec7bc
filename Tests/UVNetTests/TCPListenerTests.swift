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

  #if os(Linux)
    /// Whether the kernel lets this process filter a socket's packets; newer ones ask for CAP_NET_ADMIN.
    private static let mayFilter: Bool = {
      guard let loop = try? EventLoop() else { return false }
      defer { loop.endAndClose() }
      guard let listener = try? TCPListener.listen(at: anyPort, on: loop, onConnection: { _, _ in })
      else { return false }
      do throws(UVError) {
        try listener.leaveNewConnectionsToOthers()
        return true
      } catch {
        return error.code != .notPermitted
      }
    }()

    /// What waits at the first listener is accepted by it; who comes later gets the second, though some of
    /// them have to ask again after a second.
    @Test(.enabled(if: mayFilter, "it needs CAP_NET_ADMIN here"))
    func `new connections can be left to others before a listener closes`() throws {
      try LoopHarness.run { loop, calls in
        let options = TCPListener.Options(reusePort: true)
        func listen(at address: SocketAddress, _ name: String) throws -> TCPListener {
          try TCPListener.listen(at: address, on: loop, options: options) { _, connection in
            calls.record(name)
            connection.close()
          }
        }
        let first = try listen(at: Self.anyPort, "first")
        first.pauseAccepting()
        let early = try (0..<3).map { _ in
          try RawSocket.connect(port: first.localAddress.port)
        }
        try first.leaveNewConnectionsToOthers()
        first.resumeAccepting()
        let second = try listen(at: first.localAddress, "second")
        var late = 20
        for _ in 0..<late {
          TCPConnection.connect(to: first.localAddress, on: loop) { result in
            expectNoError { try result.get().close() }
            late -= 1
            if late == 0 { LoopTimer.after(.milliseconds(1), on: loop) { _ in second.close() } }
          }
        }
        LoopTimer.after(.milliseconds(100), on: loop) { _ in
          #expect(calls.count(of: "first") == 3)
          first.close()
        }
        #expect(throws: Never.self) { loop.run() }
        #expect(calls.count(of: "first") == 3 && calls.count(of: "second") == 20)
        withExtendedLifetime(early) {}
        first.close()
        #expect(throws: UVError.self) { try first.leaveNewConnectionsToOthers() }
      }
    }
  #endif

  @Test func `connections that wait are accepted before a close that is asked to`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { _, connection in
        calls.record("accepted")
        connection.close()
      }
      listener.pauseAccepting()
      // More than are accepted in one turn.
      let early = try (0..<40).map { _ in try RawSocket.connect(port: listener.localAddress.port) }
      listener.closeAfterAccepting()
      #expect(!listener.isClosing)
      loop.nextTick {
        #expect(listener.isClosing && calls.count(of: "accepted") == 40)
        TCPConnection.connect(to: listener.localAddress, on: loop) { result in
          calls.record((try? result.get()) == nil ? "refused" : "connected")
        }
      }
      #expect(throws: Never.self) { loop.run() }
      for socket in early { #expect(throws: Never.self) { try socket.receiveToEnd() } }
      listener.closeAfterAccepting()
      #expect(calls.count(of: "accepted") == 40 && calls.count(of: "refused") == 1)
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

  @Test func `an IPv4 peer of a listener for both kinds is told by its IPv4 address`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: SocketAddress(.anyIPv6, port: 0), on: loop) {
        listener, accepted in
        #expect(accepted.remoteAddress?.address == .loopback)
        #expect(accepted.localAddress == SocketAddress(.loopback, port: listener.localAddress.port))
        calls.record("accepted")
        accepted.close()
        listener.close()
      }
      let target = SocketAddress(.loopback, port: listener.localAddress.port)
      TCPConnection.connect(to: target, on: loop) { result in
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

  @Test func `a peer that resets before it is accepted is told like any other`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { listener, connection in
        listener.close()
        connection.start(
          .init(
            onData: { _, _ in Issue.record("no data was sent") },
            onClose: { _, reason in
              if let error = reason.error { calls.record(error.name) }
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

  @Test func `a paused listener keeps its loop alive, and accepts nothing`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { _, connection in
        calls.record("accepted")
        connection.close()
      }
      listener.pauseAccepting()
      listener.pauseAccepting()
      let peer = try RawSocket.connect(port: listener.localAddress.port)
      let timer = LoopTimer.after(.milliseconds(20), on: loop) { _ in
        calls.record("later")
        peer.close()
        listener.close()
        listener.resumeAccepting()
        listener.pauseAccepting()
      }
      timer.keepsLoopAlive = false
      calls.expect(["later"])
    }
  }

  @Test func `one that has closed is refused at once, though its close callback is still to come`()
    throws
  {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { _, _ in }
      listener.close()
      #expect(throws: RawSocket.Failure.self) {
        try RawSocket.connect(port: listener.localAddress.port)
      }
      calls.record("refused")
      calls.expect(["refused"])
    }
  }

  @Test
  func
    `more that wait than are accepted in a turn are all accepted, and other work is done between`()
    throws
  {
    try LoopHarness.run { loop, calls in
      var peers: [RawSocket] = []
      var accepted = 0
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { listener, connection in
        connection.close()
        accepted += 1
        if accepted == 1 { loop.nextTick { calls.record("tick") } }
        guard accepted == peers.count else { return }
        calls.record("all")
        listener.close()
      }
      for _ in 0..<100 { peers.append(try RawSocket.connect(port: listener.localAddress.port)) }
      calls.expect(["tick", "all"])
    }
  }

  @Test func `a listen that fails leaves nothing, so that the loop can be closed at once`() throws {
    let taken = try RawSocket.listen()
    let loop = try EventLoop()
    #expect(throws: UVError.self) {
      try TCPListener.listen(at: SocketAddress(.loopback, port: taken.port), on: loop) { _, _ in }
    }
    #expect(loop.openHandles.isEmpty)
    try loop.close()
  }

  @Test func `a socket that cannot listen is refused, and still belongs to the caller`() throws {
    let peer = try RawSocket.listen()
    let connected = try RawSocket.connect(port: peer.port).release()
    let local = socket(AF_UNIX, streamSocket, 0)
    let loop = try EventLoop()
    for descriptor in [local, connected] {
      #expect(throws: UVError.self) {
        try TCPListener.adopt(descriptor: descriptor, on: loop) { _, _ in }
      }
      #expect(fcntl(descriptor, F_GETFD) >= 0)
      close(descriptor)
    }
    let closed = #expect(throws: UVError.self) {
      try TCPListener.adopt(descriptor: -1, on: loop) { _, _ in }
    }
    #expect(closed?.code == .badDescriptor)
    try loop.close()
  }

  @Test func `two listeners of a loop cannot share one socket`() throws {
    try LoopHarness.run { loop, _ in
      let descriptor = try RawSocket.listen().release()
      let listener = try TCPListener.adopt(descriptor: descriptor, on: loop) { _, _ in }
      #expect(throws: UVError.self) {
        try TCPListener.adopt(descriptor: descriptor, on: loop) { _, _ in }
      }
      listener.close()
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

#if os(Linux)
  @Suite struct FailingAcceptTests {
    @Test func `after a failed accept the listener rests, tells why, and goes on`() async {
      // In a process of its own, since the limit of descriptors is a process's.
      await #expect(processExitsWith: .success) {
        try LoopHarness.run { loop, calls in
          var peer: RawSocket?
          let listener = try TCPListener.listen(
            at: SocketAddress(.loopback, port: 0), on: loop,
            onError: { _, error in
              // Descriptors are there again at once, but the listener does not look for them yet.
              Descriptors.limit(to: nil)
              calls.record(error.description)
              LoopTimer.after(.milliseconds(20), on: loop) { _ in calls.record("rests") }
            },
            onConnection: { listener, connection in
              calls.record("accepted")
              connection.close()
              listener.close()
              peer?.close()
            })
          peer = try RawSocket.connect(port: listener.localAddress.port)
          Descriptors.limit(to: 3)
          calls.expect(["accept: too many open files (EMFILE)", "rests", "accepted"])
        }
      }
    }

    @Test func `a listener that rests can be closed, and paused and resumed`() async {
      await #expect(processExitsWith: .success) {
        for isPaused in [false, true] {
          try LoopHarness.run { loop, calls in
            var peer: RawSocket?
            let listener = try TCPListener.listen(
              at: SocketAddress(.loopback, port: 0), on: loop,
              onError: { listener, error in
                calls.record(error.name)
                Descriptors.limit(to: nil)
                guard isPaused else { return listener.close() }
                listener.pauseAccepting()
                LoopTimer.after(.milliseconds(150), on: loop) { _ in
                  calls.record("resume")
                  listener.resumeAccepting()
                }
              },
              onConnection: { listener, connection in
                calls.record("accepted")
                connection.close()
                listener.close()
                peer?.close()
              })
            peer = try RawSocket.connect(port: listener.localAddress.port)
            Descriptors.limit(to: 3)
            calls.expect(isPaused ? ["EMFILE", "resume", "accepted"] : ["EMFILE"])
          }
        }
      }
    }
  }

  private enum Descriptors {
    /// Lowers the limit of open descriptors to `count`, or lifts it.
    static func limit(to count: rlim_t?) {
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      limit.rlim_cur = count ?? limit.rlim_max
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
  }
#endif
