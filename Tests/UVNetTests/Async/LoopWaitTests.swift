import Dispatch
import Testing
import UVNetTestKit

@testable import UVNet

/// Where and when a task that waits is resumed.
@Suite struct LoopWaitTests {
  @Test func `a cancellation by another thread takes effect on the loop's thread`() async throws {
    try await AsyncHarness.run { loop in
      let wait = LoopWait()
      let executor = try loop.startTasks().executor
      let waiting = loop.task { await wait.suspend(executor) }
      await Task.yield()
      #expect(wait.isParked)
      cancelElsewhere(waiting)
      // The loop's thread has had no turn since.
      #expect(wait.isParked)
      wait.wake()
      #expect(await waiting.value == .woken)
    }
  }

  @Test func `a task that a callback wakes goes on when the callback is over`() async throws {
    try await AsyncHarness.run { loop in
      let calls = CallRecord()
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let accepting = loop.task {
        let connection = try await listener.accept()
        calls.record(connection == nil ? "no more connections" : "a connection")
      }
      await Task.yield()
      LoopTimer.after(.zero, on: loop) { _ in
        listener.close()
        calls.record("rest of the callback")
      }
      try await accepting.value
      #expect(calls.names == ["rest of the callback", "no more connections"])
    }
  }
}

/// Cancels a task on another thread, and returns when that is done.
private func cancelElsewhere<R, Failure>(_ task: Task<R, Failure>) {
  let done = DispatchSemaphore(value: 0)
  Thread.detach {
    task.cancel()
    done.signal()
  }
  done.wait()
}
