import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncTimeTests {
  @Test func `sleeps end in order, and never early`() async throws {
    try await AsyncHarness.run { loop in
      let order = CallRecord()
      let start = loop.now
      let clock = try loop.clock
      let tasks = [3, 1, 2].map { number in
        loop.task {
          try await loop.sleep(for: .milliseconds(number * 5))
          #expect(start.duration(to: loop.now) >= .milliseconds(number * 5))
          order.record("\(number)")
        }
      }
      for task in tasks { try await task.value }
      let asleep = clock.now
      try await clock.sleep(for: .milliseconds(3))
      #expect(asleep.duration(to: clock.now) >= .milliseconds(3))
      #expect(order.names == ["1", "2", "3"])
    }
  }

  @Test func `a cancelled sleep ends at once`() async throws {
    try await AsyncHarness.run { loop in
      let clock = try loop.clock
      let sleepers = [
        loop.task { try await loop.sleep(for: .seconds(1000)) },
        loop.task { try await clock.sleep(for: .seconds(1000)) },
      ]
      await Task.yield()
      for sleeper in sleepers {
        sleeper.cancel()
        let error = await #expect(throws: UVError.self) { try await sleeper.value }
        #expect(error == UVError(.canceled, during: .wait))
      }
    }
  }

  @Test func `other threads sleep on the loop's clock, and may cancel`() async throws {
    // Far off, for tests that block may keep the pool of tasks busy for long.
    try await AsyncHarness.run(watchdog: .seconds(600)) { loop in
      let clock = try loop.clock
      let start = loop.now
      let sleepers = (0..<50).map { number in
        Task.detached { try await clock.sleep(for: .milliseconds(number % 2 == 0 ? 3 : 100_000)) }
      }
      for (number, sleeper) in sleepers.enumerated() where number % 2 == 1 { sleeper.cancel() }
      for (number, sleeper) in sleepers.enumerated() {
        do {
          try await sleeper.value
          #expect(number % 2 == 0)
        } catch {
          #expect(number % 2 == 1)
        }
      }
      #expect(start.duration(to: loop.now) >= .milliseconds(3))
    }
  }

  @Test func `a clock whose loop is gone says so`() async throws {
    nonisolated(unsafe) var kept: EventLoop.Clock?
    try await AsyncHarness.run { loop in kept = try loop.clock }
    let clock = try #require(kept)
    let error = await #expect(throws: UVError.self) { try await clock.sleep(for: .seconds(1000)) }
    #expect(error?.code == .canceled)
  }

  @Test func `a timeout cancels what takes too long`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let start = loop.now
      let error = await #expect(throws: UVError.self) {
        try await loop.withTimeout(.milliseconds(3)) { try await near.read { $0.byteCount } }
      }
      #expect(error == UVError(.timedOut, during: .wait))
      #expect(start.duration(to: loop.now) >= .milliseconds(3))
      try await far.write("later")
      let bytes = try await loop.withTimeout(.seconds(100)) { try await near.read(exactly: 5) }
      #expect(bytes == Array("later".utf8))
      #expect(try await loop.withTimeout(.seconds(100)) { 7 } == 7)
    }
  }

  @Test func `what is given back too late is given back`() async throws {
    try await AsyncHarness.run { loop in
      let value = try await loop.withTimeout(.milliseconds(1)) {
        do { try await loop.sleep(for: .seconds(1000)) } catch {}
        return 7
      }
      #expect(value == 7)
    }
  }

  @Test func `cancelling a task cancels what it gave a timeout`() async throws {
    try await AsyncHarness.run { loop in
      let task = loop.task {
        try await loop.withTimeout(.seconds(1000)) { try await loop.sleep(for: .seconds(1000)) }
      }
      await Task.yield()
      task.cancel()
      let error = await #expect(throws: UVError.self) { try await task.value }
      #expect(error == UVError(.canceled, during: .wait))
    }
  }

  @Test func `a signal is waited for`() async throws {
    try await AsyncHarness.run { loop in
      let waiting = loop.task { try await loop.signal(SIGWINCH, SIGURG) }
      await Task.yield()
      kill(getpid(), SIGURG)
      let signal = try await waiting.value
      #expect(signal == SIGURG)
      let byName = loop.task { try await loop.signal(.user2, .windowChange) }
      await Task.yield()
      kill(getpid(), SIGWINCH)
      #expect(try await byName.value == .windowChange)
      let error = await #expect(throws: UVError.self) { try await loop.signal(SIGKILL) }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func `a name is looked up, and a numeric address is not`() async throws {
    try await AsyncHarness.run { loop in
      let numeric = try await Resolver.resolve("127.0.0.1", port: 7, on: loop)
      #expect(numeric == [SocketAddress(.loopback, port: 7)])
      let found = try await Resolver.resolve("localhost", port: 7, on: loop)
      #expect(!found.isEmpty)
      let task = loop.task { _ = try await Resolver.resolve("localhost", port: 7, on: loop) }
      task.cancel()
      let error = await #expect(throws: UVError.self) { try await task.value }
      #expect(error == UVError(.canceled, during: .resolve))
    }
  }
}
