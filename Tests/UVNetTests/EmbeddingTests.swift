import Testing
import UVNet
import UVNetTestKit

/// A loop that another loop runs, turn by turn.
@Suite struct EmbeddingTests {
  static let anyPort = SocketAddress(.loopback, port: 0)

  @Test func `one turn waits for one event, and tells whether there is more to come`() throws {
    let loop = try EventLoop()
    var calls = 0
    #expect(!loop.runOnce())
    LoopTimer.after(.milliseconds(1), on: loop) { _ in calls += 1 }
    LoopTimer.after(.milliseconds(2), on: loop) { _ in calls += 1 }
    while loop.runOnce() {}
    #expect(calls == 2)
    try loop.close()
  }

  @Test func `a tick, and a timer that is due, are not followed by a wait`() throws {
    let loop = try EventLoop()
    var calls: [String] = []
    let later = LoopTimer.after(.seconds(100), on: loop) { _ in Issue.record("not due") }
    loop.nextTick { calls.append("tick") }
    while calls.isEmpty { #expect(loop.runOnce()) }
    LoopTimer.after(.zero, on: loop) { _ in calls.append("timer") }
    while calls.count < 2 { #expect(loop.runOnce()) }
    #expect(calls == ["tick", "timer"])
    later.cancel()
    while loop.runOnce() {}
    try loop.close()
  }

  @Test func `a turn without a wait calls what is due, though nothing keeps the loop alive`() throws
  {
    let loop = try EventLoop()
    let source = try SignalSource.on(SIGUSR2, on: loop) { $0.close() }
    let timer = LoopTimer.after(.seconds(100), on: loop) { _ in Issue.record("not due") }
    #expect(loop.runWithoutWaiting())
    timer.cancel()
    while loop.runWithoutWaiting() {}
    #expect(!source.isClosing)
    kill(getpid(), SIGUSR2)
    while !loop.openHandles.isEmpty {
      wait(for: loop)
      loop.runWithoutWaiting()
    }
    try loop.close()
  }

  @Test(arguments: [false, true])
  func `a turn does not end with bytes that were not offered, whoever wrote them`(waiting: Bool)
    throws
  {
    let loop = try EventLoop()
    try Self.withConnection(loop) { connection, peer in
      connection.start(.init(onData: { _, _ in }))
      var written = 0
      nonisolated(unsafe) let write = {
        expectNoError { try connection.write("x") }
        written += 1
      }
      func expectOffered(_ who: String) throws {
        if waiting { loop.runOnce() } else { loop.runWithoutWaiting() }
        #expect(connection.pendingBytes == 0, "\(who)")
      }
      write()
      try expectOffered("before the turn")
      loop.nextTick { write() }
      try expectOffered("a tick")
      loop.remote.execute { _ in write() }
      try expectOffered("work from elsewhere")
      expectNoError { try connection.write("x") { _ in write() } }
      written += 1
      try expectOffered("a completion")
      var fired = false
      LoopTimer.after(.milliseconds(1), on: loop) { _ in
        write()
        fired = true
      }
      while !fired { try expectOffered("a timer") }
      loop.nextTick {
        write()
        loop.stop()
      }
      try expectOffered("a stop")
      #expect(try peer.receive(written).count == 7)
    }
    loop.endAndClose()
  }

  @Test func `what is due at once is told before a wait`() throws {
    let loop = try EventLoop()
    #expect(loop.pollTimeout == .zero, "a new loop has never told the system what it waits for")
    loop.runWithoutWaiting()
    #expect(loop.pollTimeout == nil)
    loop.nextTick {}
    #expect(loop.pollTimeout == .zero)
    loop.runWithoutWaiting()
    #expect(loop.pollTimeout == nil)
    let timer = LoopTimer.after(.milliseconds(50), on: loop) { _ in Issue.record("not due") }
    timer.keepsLoopAlive = false
    let timeout = try #require(loop.pollTimeout)
    #expect(timeout >= .zero && timeout <= .milliseconds(51))
    timer.cancel()
    #expect(loop.pollTimeout == .zero, "its close is still to be told")
    loop.runWithoutWaiting()
    try Self.withConnection(loop) { connection, _ in
      connection.start(.init(onData: { _, _ in }))
      #expect(loop.pollTimeout == .zero, "the system is still to be told of the connection")
      loop.runWithoutWaiting()
      #expect(loop.pollTimeout != .zero)
      expectNoError { try connection.write("x") }
      #expect(loop.pollTimeout == .zero, "there is something to send")
      loop.runWithoutWaiting()
      #expect(loop.pollTimeout != .zero)
    }
    loop.end()
    #expect(loop.pollTimeout == .zero)
    while loop.runWithoutWaiting() {}
    #expect(loop.pollTimeout == nil)
    try loop.close()
  }

  @Test func `a loop is embedded in poll: sockets, precise timers and other threads wake it`()
    throws
  {
    let loop = try EventLoop()
    var calls: [String] = []
    let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { listener, connection in
      connection.start(
        .init(
          onData: { connection, bytes in expectNoError { try connection.write(bytes) } },
          onClose: { _, _ in calls.append("served") }))
      listener.close()
    }
    let port = listener.localAddress.port
    Thread.detach {
      expectNoError {
        let peer = try RawSocket.connect(port: port)
        for _ in 0..<100 {
          try peer.send([1, 2, 3])
          #expect(try peer.receive(3) == [1, 2, 3])
        }
        peer.close()
      }
    }
    let due = loop.now.advanced(by: .microseconds(1500))
    LoopTimer.unscheduled(on: loop, isPrecise: true) { timer in
      #expect(loop.now >= due)
      calls.append("precise")
      timer.cancel()
    }.schedule(at: due)
    let remote = loop.remote
    Thread.detach { remote.execute { loop in LoopTimer.after(.zero, on: loop) { _ in } } }
    while loop.runWithoutWaiting() { wait(for: loop) }
    #expect(calls.sorted() == ["precise", "served"])
    try loop.close()
  }

  @Test func `a loop that stood still while it was embedded still calls its timers`() throws {
    let loop = try EventLoop()
    var calls = 0
    for _ in 0..<3 {
      LoopTimer.after(.milliseconds(1), on: loop) { _ in calls += 1 }
    }
    // Another loop is busy for so long that the timers count as late.
    let until = loop.now.advanced(by: .milliseconds(30))
    while loop.now < until {}
    while loop.runWithoutWaiting() { wait(for: loop) }
    #expect(calls == 3)
    try loop.close()
  }

  @Test func `a loop is embedded in another loop of the library's`() throws {
    try LoopHarness.run { outer, calls in
      let inner = try EventLoop()
      var isOver = false
      var watch: DescriptorWatch?
      var wake: LoopTimer?
      func turn() {
        guard !isOver else { return }
        guard inner.runWithoutWaiting() else {
          isOver = true
          watch?.close()
          wake?.cancel()
          return expectNoError { try inner.close() }
        }
        if let timeout = inner.pollTimeout { wake?.schedule(after: timeout) }
      }
      wake = LoopTimer.unscheduled(on: outer) { _ in turn() }
      watch = try DescriptorWatch.on(inner.pollDescriptor, for: .readable, on: outer) { _, _ in
        turn()
      }
      try inner.withConnectedPair { connected, accepted in
        accepted.start(
          .init(onData: { accepted, bytes in
            calls.record(String(decoding: bytes))
            accepted.close()
          }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError { try connected.write("hello") }
      }
      outer.nextTick { turn() }
      calls.expect(["hello"])
    }
  }

  private static func withConnection(
    _ loop: EventLoop, _ body: (TCPConnection, RawSocket) throws -> Void
  ) throws {
    let peer = try RawSocket.listen()
    var made: TCPConnection?
    TCPConnection.connect(
      to: SocketAddress(.loopback, port: peer.port), on: loop, timeout: nil
    ) { result in expectNoError { made = try result.get() } }
    while made == nil { loop.runOnce() }
    let connection = try #require(made)
    try body(connection, try peer.accept())
  }

  /// Waits as another loop would that has nothing else to do.
  private func wait(for loop: EventLoop) {
    var descriptors = [pollfd(fd: loop.pollDescriptor, events: Int16(POLLIN), revents: 0)]
    let timeout = loop.pollTimeout.map { Int32($0 / .milliseconds(1)) } ?? -1
    #expect(poll(&descriptors, 1, timeout) >= 0 || errno == EINTR)
  }
}
