import Synchronization
import Testing
import UVNet
import UVNetTestKit

@Suite struct LoopExecutorTests {
  @Test func `a program's result is given back, and its error thrown`() async throws {
    struct Refused: Error {}
    try await AsyncHarness.onThread {
      let seven = try EventLoop.run { _ in 7 }
      #expect(seven == 7)
      #expect(throws: Refused.self) { try EventLoop.run { _ in throw Refused() } }
    }
  }

  @Test func `jobs run in the order in which they came, and never inside each other`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let calls = CallRecord()
      let tasks = ["a", "b", "c"].map { name in
        loop.task {
          for turn in 1...2 {
            calls.record("\(name)\(turn)")
            await Task.yield()
            calls.record("\(name)\(turn).")
          }
        }
      }
      for task in tasks { await task.value }
      #expect(
        calls.names == [
          "a1", "b1", "c1", "a1.", "a2", "b1.", "b2", "c1.", "c2", "a2.", "b2.", "c2.",
        ])
    }
  }

  @Test func `a task started in a callback begins when the callback is over, in the same turn`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let calls = CallRecord()
      let answer = Gate()
      loop.nextTick {
        loop.task {
          calls.record("task")
          answer.open()
        }
        calls.record("rest of the callback")
        loop.nextTick { calls.record("next turn") }
      }
      await answer.wait(on: loop)
      #expect(calls.names == ["rest of the callback", "task"])
    }
  }

  @Test func `tasks that never stop yielding let bytes and timers have their turn`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let spinners = (0..<3).map { _ in
        loop.task { while !Task.isCancelled { await Task.yield() } }
      }
      for _ in 0..<20 {
        try await far.write("x")
        #expect(try await near.read(exactly: 1) == [UInt8(ascii: "x")])
        try await loop.sleep(for: .milliseconds(1))
      }
      for spinner in spinners { spinner.cancel() }
    }
  }

  @Test func `a task that yields for ever does not keep a loop that ends`() async throws {
    try await AsyncHarness.onThread {
      let mayEnd = Counter()
      try EventLoop.run { loop in
        _ = loop.task { while mayEnd.value == 0 { await Task.yield() } }
      }
      // It goes on with the next loop.
      try EventLoop.run { loop in
        try await loop.sleep(for: .milliseconds(1))
        mayEnd.value = 1
        await Task.yield()
      }
    }
  }

  @Test func `what the tasks woken by one read write leaves in one piece`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let child = loop.task {
        _ = try await near.read { _ in }
        for text in ["o", "n", "e"] { try await near.write(text) }
        await Task.yield()
        try await near.write("!")
      }
      try await far.write("go")
      var pieces: [[UInt8]] = []
      for try await piece in far.chunks {
        pieces.append(piece)
        if pieces.joined().count == 4 { break }
      }
      try await child.value
      #expect(pieces == [Array("one!".utf8)])
    }
  }

  @Test func `other threads reach the actor, and all their jobs run on its thread`() async throws {
    let counted = 200
    // Far off, for tests that block may keep the pool of tasks busy for long.
    try await AsyncHarness.run(watchdog: .seconds(600)) { loop in
      let thread = pthread_self()
      let done = Gate()
      let count = Counter()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          Thread.detach {
            for _ in 0..<counted / 4 {
              Task.detached { @LoopActor in
                #expect(pthread_equal(thread, pthread_self()) != 0)
                count.value += 1
                if count.value == counted { done.open() }
              }
            }
          }
        }
        await group.waitForAll()
      }
      await done.wait(on: loop)
      #expect(count.value == counted)
    }
  }

  @Test func `an actor of the program's own runs on the loop`() async throws {
    actor Own {
      nonisolated var unownedExecutor: UnownedSerialExecutor {
        LoopExecutor.main.asUnownedSerialExecutor()
      }
      func thread() -> UInt64 { UInt64(UInt(bitPattern: ObjectIdentifier(self))) &* 0 &+ current() }
      private func current() -> UInt64 { UInt64(pthread_self()) }
    }
    try await AsyncHarness.run { loop in
      let own = Own()
      #expect(await own.thread() == UInt64(pthread_self()))
      try await loop.sleep(for: .zero)
    }
  }

  @Test func `who waits goes on in its own isolation, on the loop's thread`() async throws {
    struct Lent: @unchecked Sendable {
      let loop: EventLoop
      let connection: TCPConnection
    }
    /// It knows nothing of the loop: its jobs run there because the task prefers the loop's executor.
    actor Stranger {
      func read(_ lent: Lent, _ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count,
          let chunk = try await lent.connection.chunks.first(where: { _ in true })
        {
          preconditionIsolated()
          bytes += chunk
          try await lent.loop.sleep(for: .zero)
          preconditionIsolated()
          _ = try await lent.connection.read(into: &bytes)
          preconditionIsolated()
        }
        #expect(UInt(pthread_self()) == LoopActor.assumeIsolated { UInt(pthread_self()) })
        return bytes
      }
    }
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let lent = Lent(loop: loop, connection: near)
      let reader = loop.task { try await Stranger().read(lent, 8) }
      for byte in UInt8(1)...8 {
        try await far.write([byte])
        try await loop.sleep(for: .milliseconds(1))
      }
      #expect(try await reader.value == [1, 2, 3, 4, 5, 6, 7, 8])
      far.close()
      near.close()
    }
  }

  @Test func `a second loop for the actor is refused while one runs`() async throws {
    // Far off, for tests that block may keep the pool of tasks busy for long.
    try await AsyncHarness.run(watchdog: .seconds(600)) { loop in
      let refused = Gate()
      let error = Mutex<UVError?>(nil)
      Thread.detach {
        do { try EventLoop.run { _ in } } catch let caught as UVError {
          error.withLock { $0 = caught }
        } catch {}
        Task.detached { @LoopActor in refused.open() }
      }
      await refused.wait(on: loop)
      #expect(error.withLock { $0?.code } == .busy)
    }
  }

  @Test func `the end of a program gives all who wait an error, and nothing is left`() async throws
  {
    let errors = Mutex<[String: UVError.Code]>([:])
    try await AsyncHarness.run { loop in
      @LoopActor func waits(_ name: String, _ body: @escaping @LoopActor () async throws -> Void) {
        loop.task {
          do { try await body() } catch let error as UVError {
            errors.withLock { $0[name] = error.code }
          }
        }
      }
      let (_, far) = try await pair(on: loop)
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let clock = try loop.clock
      let (idle, _) = try await pair(on: loop)
      waits("read") { _ = try await idle.read { _ in } }
      waits("write") { while true { try await far.write([UInt8](repeating: 0, count: 65536)) } }
      waits("accept") { _ = try await listener.accept() }
      waits("sleep") { try await loop.sleep(for: .seconds(100)) }
      waits("clock") { try await clock.sleep(for: .seconds(100)) }
      waits("signal") { _ = try await loop.signal(SIGUSR2) }
      waits("timeout") {
        try await loop.withTimeout(.seconds(100)) { try await loop.sleep(for: .seconds(90)) }
      }
      waits("again") {
        do { try await loop.sleep(for: .seconds(100)) } catch {}
        _ = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      }
      for _ in 0..<10 { await Task.yield() }
    }
    let names = ["read", "write", "accept", "sleep", "clock", "signal", "timeout", "again"]
    #expect(
      errors.withLock { $0 } == Dictionary(uniqueKeysWithValues: names.map { ($0, .canceled) }))
  }

  @Test func `stop in a callback cancels the program's task`() async throws {
    try await AsyncHarness.onThread {
      let error = #expect(throws: UVError.self) {
        try EventLoop.run { loop in
          LoopTimer.after(.milliseconds(1), on: loop) { _ in loop.stop() }
          try await loop.sleep(for: .seconds(100))
        }
      }
      #expect(error == UVError(.canceled, during: .wait))
    }
  }

  @Test func `assumeIsolated tells the compiler what a callback is`() async throws {
    try await AsyncHarness.run { loop in
      let called = Gate()
      // A closure that is sent somewhere else knows no isolation.
      let callback: @Sendable () -> Int = {
        LoopActor.assumeIsolated {
          called.open()
          return 7
        }
      }
      #expect(callback() == 7)
      await called.wait(on: loop)
    }
  }

  @Test func `assumeIsolated on another thread stops the program`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      LoopActor.assumeIsolated {}
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(
      said.contains("mistake in the program: LoopActor.assumeIsolated was called on a thread"))
    #expect(said.contains("UVNetTests/LoopExecutorTests.swift:"))
  }
}

/// Opened once; a task waits until it is.
@LoopActor final class Gate {
  private var isOpen = false
  private var waiter: UnsafeContinuation<Void, Never>?

  nonisolated init() {}

  func open() {
    isOpen = true
    waiter?.resume()
    waiter = nil
  }

  func wait(on loop: EventLoop) async {
    guard !isOpen else { return }
    await withUnsafeContinuation { waiter = $0 }
  }
}

@LoopActor final class Counter {
  var value = 0
  nonisolated init() {}
}
