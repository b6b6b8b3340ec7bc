import Synchronization
import Testing
import UVNet
import UVNetTestKit

@Suite struct LoopEndTests {
  static let anyPort = SocketAddress(.loopback, port: 0)

  @Test func `stop outside run makes the next run return at once, and the loop closes`() throws {
    let loop = try EventLoop()
    loop.stop()
    try loop.close()

    let other = try EventLoop()
    LoopTimer.every(.seconds(100), on: other) { _ in Issue.record("not due") }
    other.stop()
    other.run()
    other.stop()
    other.endAndClose()
  }

  @Test func `close may be called again after it threw, and whatever was called before`() throws {
    let loop = try EventLoop()
    let timer = LoopTimer.every(.seconds(100), on: loop) { _ in }
    loop.stop()
    #expect(throws: UVError.self) { try loop.close() }
    #expect(throws: UVError.self) { try loop.close() }
    timer.cancel()
    loop.run()  // returns at once: it was asked to stop
    loop.run()
    try loop.close()
  }

  @Test func `from the end on nothing new begins`() throws {
    let loop = try EventLoop()
    let remote = loop.remote
    var calls: [String] = []
    func attempt(_ number: Int) {
      TCPConnection.connect(to: SocketAddress(.loopback, port: 1), on: loop) { result in
        #expect(result.failureCode == .canceled)
        calls.append("attempt \(number)")
        if number < 2 { attempt(number + 1) }
      }
    }
    loop.nextTick {
      attempt(1)
      loop.end()
      #expect(loop.isEnding)
      LoopTimer.after(.zero, on: loop) { _ in Issue.record("a timer of a loop that is ending") }
      let error = #expect(throws: UVError.self) {
        try TCPListener.listen(at: Self.anyPort, on: loop) { _, _ in }
      }
      #expect(error?.code == .canceled)
      #expect(error?.description.contains("the loop is ending") == true)
      #expect(throws: UVError.self) { try SignalSource.on(SIGUSR1, on: loop) { _ in } }
      #expect(!remote.execute { _ in Issue.record("it was refused") })
      loop.end()
    }
    LoopTimer.every(.seconds(100), on: loop) { _ in }
    loop.run()
    #expect(calls == ["attempt 1", "attempt 2"])
    try loop.close()
  }

  @Test func `one call closes what is left, tells it, and frees the loop`() throws {
    let loop = try EventLoop()
    try SignalSource.on(SIGUSR2, on: loop) { _ in }
    let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { _, connection in
      connection.start(.init(onData: { _, _ in }))
    }
    var calls: [String] = []
    TCPConnection.connect(to: listener.localAddress, on: loop) { result in
      expectNoError {
        try result.get().start(
          .init(
            onData: { _, _ in },
            onClose: { _, _ in
              calls.append("closed")
              loop.nextTick { calls.append("tick") }
              loop.stop()
            }))
      }
      loop.stop()
    }
    loop.run()
    #expect(calls.isEmpty)
    loop.endAndClose()
    #expect(calls == ["closed", "tick"])
    #expect(loop.openHandles.isEmpty)
    loop.endAndClose()
    try loop.close()
  }

  @Test func `the end gives look-ups up and does not wait for them`() throws {
    let loop = try EventLoop()
    var results: [UVError.Code?] = []
    for number in 0..<8 {
      Resolver.resolve("uvnet-test-\(number).invalid", port: 1, on: loop) {
        results.append($0.failureCode)
      }
    }
    loop.endAndClose()
    #expect(results == Array(repeating: .canceled, count: 8))
  }

  @Test func `ticks that no run has called are called by close`() throws {
    let loop = try EventLoop()
    var calls = 0
    loop.nextTick { calls += 1 }
    try loop.close()
    #expect(calls == 1)
  }

  @Test func `a call that throws leaves a loop that closes at once`() throws {
    let loop = try EventLoop()
    let taken = try RawSocket.listen()
    #expect(throws: UVError.self) {
      try TCPListener.listen(at: SocketAddress(.loopback, port: taken.port), on: loop) { _, _ in }
    }
    try loop.close()

    let other = try EventLoop()
    #expect(throws: UVError.self) { try SignalSource.on(SIGKILL, on: other) { _ in } }
    #expect(throws: UVError.self) { try TCPConnection.adopt(descriptor: -1, on: other) }
    #expect(other.openHandles.isEmpty)
    try other.close()
  }
}

@Suite struct RemoteTests {
  @Test func `work from another thread runs on the loop's thread, in order`() throws {
    try LoopHarness.run { loop, calls in
      let remote = loop.remote
      let keepAlive = LoopTimer.every(.seconds(100), on: loop) { _ in }
      nonisolated(unsafe) let record = calls
      nonisolated(unsafe) let timer = keepAlive
      Thread.detach {
        for number in 1...3 { remote.execute { _ in record.record("\(number)") } }
        remote.execute { _ in timer.cancel() }
      }
      calls.expect(["1", "2", "3"])
    }
  }

  @Test func `work that has come is called before run returns, and work that it gives too`() throws
  {
    let loop = try EventLoop()
    let remote = loop.remote
    let calls = Calls()
    #expect(
      remote.execute { _ in
        calls.record("first")
        remote.execute { _ in calls.record("second") }
      })
    loop.run()
    #expect(calls.names == ["first", "second"])
    try loop.close()
  }

  @Test func `work that no run has called is called by close, and a closed loop refuses`() throws {
    let loop = try EventLoop()
    let remote = loop.remote
    let calls = Calls()
    #expect(remote.execute { _ in calls.record("called") })
    try loop.close()
    #expect(calls.names == ["called"])
    #expect(!remote.execute { _ in Issue.record("the loop is closed") })
  }

  @Test func `a loop that could not be closed takes work again`() throws {
    let loop = try EventLoop()
    let calls = Calls()
    let timer = LoopTimer.every(.seconds(100), on: loop) { _ in }
    #expect(throws: UVError.self) { try loop.close() }
    #expect(loop.remote.execute { _ in calls.record("called") })
    timer.cancel()
    loop.run()
    try loop.close()
    #expect(calls.names == ["called"])
  }

  @Test func `what a body holds may call the loop when it is freed`() throws {
    final class Witness: Sendable {
      let remote: EventLoop.Remote
      let calls: Calls
      init(_ remote: EventLoop.Remote, _ calls: Calls) {
        self.remote = remote
        self.calls = calls
      }
      deinit { calls.record(remote.execute { _ in } ? "taken" : "refused") }
    }
    let loop = try EventLoop()
    let calls = Calls()
    do {
      let witness = Witness(loop.remote, calls)
      loop.remote.execute { _ in withExtendedLifetime(witness) {} }
    }
    try loop.close()
    #expect(calls.names == ["refused"])
  }
}

/// A record for bodies that must be `Sendable`.
final class Calls: Sendable {
  private let recorded = Mutex<[String]>([])
  var names: [String] { recorded.withLock { $0 } }
  func record(_ name: String) { recorded.withLock { $0.append(name) } }
}

#if os(Linux)
  /// Mistakes in the program stop it with words that say what and where, in release builds too.
  @Suite struct MistakeTests {
    @Test func `a nested run, a use after close and a second start say what and where`() async {
      func message(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      }
      var result = await #expect(
        processExitsWith: .failure, observing: [\.standardErrorContent]
      ) {
        let loop = try EventLoop()
        loop.nextTick { loop.run() }
        loop.run()
      }
      #expect(message(result).contains("EventLoop.run() was called by one of its own callbacks"))
      #expect(message(result).contains("UVNetTests/LoopEndTests.swift:"))
      result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let loop = try EventLoop()
        try loop.close()
        loop.nextTick {}
      }
      #expect(message(result).contains("EventLoop.nextTick() was called after close()"))
      result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let loop = try EventLoop()
        try loop.close()
        LoopTimer.after(.zero, on: loop) { _ in }
      }
      #expect(message(result).contains("a handle was made on an EventLoop after its close()"))
      result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let loop = try EventLoop()
        loop.nextTick { loop.endAndClose() }
        loop.run()
      }
      #expect(message(result).contains("endAndClose() was called by one of its own callbacks"))
      result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let loop = try EventLoop()
        try loop.withConnectedPair { connected, _ in
          connected.start(.init(onData: { _, _ in }))
          connected.start(.init(onData: { _, _ in }))
        }
        loop.run()
      }
      #expect(message(result).contains("StreamConnection.start() was called twice"))
    }
  }
#endif
