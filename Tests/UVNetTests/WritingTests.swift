import Testing
import UVNet
import UVNetTestKit

/// When bytes are offered to the kernel, and who is told of it.
@Suite struct WritingTests {
  /// A connection that the loop has from elsewhere and does not read, with its peer.
  static func adopted(on loop: EventLoop) throws -> (TCPConnection, RawSocket) {
    let listener = try RawSocket.listen()
    let descriptor = try RawSocket.connect(port: listener.port).release()
    return (try TCPConnection.adopt(descriptor: descriptor, on: loop), try listener.accept())
  }

  @Test func `what is written before run, and by a completion, leaves though nothing is read`()
    throws
  {
    try LoopHarness.run { loop, calls in
      let (connection, peer) = try Self.adopted(on: loop)
      try connection.write("first ") { _ in
        calls.record("first")
        expectNoError {
          try connection.write("second") { _ in
            calls.record("second")
            connection.close()
            expectNoError {
              let received = try peer.receiveToEnd()
              #expect(received == Array("first second".utf8))
            }
          }
        }
      }
      calls.expect(["first", "second"])
    }
  }

  @Test func `run never returns with bytes that were not offered, not after a stop in a timer`()
    throws
  {
    let loop = try EventLoop()
    let (connection, peer) = try Self.adopted(on: loop)
    LoopTimer.after(.milliseconds(1), on: loop) { _ in
      expectNoError { try connection.write("in time") }
      loop.stop()
    }
    loop.run()
    #expect(try peer.receive(7) == Array("in time".utf8))
    // A completion in the last pass writes once more.
    try connection.write("a") { _ in expectNoError { try connection.write("b") } }
    loop.stop()
    loop.run()
    #expect(try peer.receive(2) == Array("ab".utf8))
    loop.endAndClose()
  }

  @Test func `a completion that writes nothing again and again lets I/O run`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { _, _ in calls.record("data") },
            onEnd: { accepted in accepted.close() }))
        connected.start(.init(onData: { _, _ in }))
        func again() {
          guard !connected.isClosing else { return }
          try? connected.write([]) { _ in again() }
        }
        again()
        LoopTimer.after(.milliseconds(5), on: loop) { _ in
          expectNoError { try connected.write("x") { _ in connected.close() } }
        }
      }
      calls.expect(["data"])
    }
  }

  @Test func `a close in the callback that wrote offers the bytes first`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { _, bytes in calls.record(String(decoding: bytes.array, as: UTF8.self)) },
            onEnd: { accepted in
              calls.record("end")
              accepted.close()
            }))
        connected.start(
          .init(
            onData: { _, _ in },
            onClose: { connected, reason in
              #expect(reason == .local)
              #expect(connected.pendingBytes == 0)
              #expect(connected.bytesWritten == 4)
              calls.record("closed")
            }))
        expectNoError {
          try connected.write("last") { result in
            expectNoError { try result.get() }
            calls.record("written")
          }
        }
        connected.close()
        calls.record("asked")
      }
      calls.expect(["asked", "written", "closed", "last", "end"])
    }
  }

  @Test func `of more than the kernel takes a close tells exactly what went`() throws {
    try LoopHarness.run { loop, calls in
      let total = 32 << 20
      try loop.withConnectedPair(writeLimits: .init(maximumPendingBytes: total + 1)) {
        connected, accepted in
        connected.start(
          .init(
            onData: { _, _ in },
            onClose: { connected, _ in
              #expect(connected.pendingBytes > 0)
              #expect(connected.bytesWritten + UInt64(connected.pendingBytes) == UInt64(total) + 1)
              // Read only now, so that the kernel could not take everything.
              accepted.start(
                .init(
                  onData: { _, _ in },
                  onEnd: { accepted in
                    #expect(accepted.bytesRead == connected.bytesWritten)
                    calls.record("end")
                    accepted.close()
                  }))
            }))
        expectNoError {
          try connected.write("x") { result in
            expectNoError { try result.get() }
            calls.record("small")
          }
          try connected.write([UInt8](repeating: 1, count: total)) { result in
            #expect(result == .failure(UVError(.canceled, during: .write)))
            calls.record("large")
          }
        }
        connected.close()
      }
      calls.expect(["small", "large", "end"])
    }
  }

  @Test func `a reset offers nothing more`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { _, _ in Issue.record("it was reset") },
            onClose: { _, _ in calls.record("closed") }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError {
          try connected.write("x") { #expect($0 == .failure(UVError(.canceled, during: .write))) }
        }
        connected.reset()
      }
      calls.expect(["closed"])
    }
  }

  @Test func `of a partly taken write the bytes that went are told while the rest waits`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        connected.start(.init(onData: { _, _ in }, onClose: { _, _ in accepted.close() }))
        expectNoError {
          try connected.write("x") { result in
            expectNoError { try result.get() }
            // Nobody reads, so most of the rest is still here.
            #expect(connected.pendingBytes > 0)
            calls.record("small")
            connected.close()
          }
          try connected.write([UInt8](repeating: 1, count: 12 << 20)) { _ in calls.record("large") }
        }
      }
      calls.expect(["small", "large"])
    }
  }

  @Test func `a stream that was shut down has no drain`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair(writeLimits: BackpressureTests.small) { connected, accepted in
        accepted.start(.init(onData: { _, _ in }))
        connected.start(
          .init(
            onData: { _, _ in }, onDrain: { _ in Issue.record("it cannot be written to") },
            onClose: { _, _ in calls.record("closed") }))
        expectNoError { try connected.write([UInt8](repeating: 0, count: 15_000)) }
        #expect(!connected.isWritable)
        connected.shutdown()
      }
      calls.expect(["closed"])
    }
  }

  /// The address sanitizer sees the connection used after it was freed, and a debug build too.
  @Test func `a connection that a completion writes to and closes is flushed no more`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(.init(onData: { _, _ in }))
        connected.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
        expectNoError {
          // In the last pass of this callback, so that the next one comes after the close.
          try connected.write("x") { [unowned connected] _ in
            expectNoError { try connected.write("y") }
            connected.close()
          }
        }
        LoopTimer.after(.milliseconds(1), on: loop) { _ in calls.record("timer") }
      }
      calls.expect(["closed", "timer"])
    }
  }

  @Test func `what a completion holds may write when it is freed`() throws {
    final class Witness {
      let connection: TCPConnection
      let calls: CallRecord
      init(_ connection: TCPConnection, _ calls: CallRecord) {
        self.connection = connection
        self.calls = calls
      }
      deinit {
        let calls = calls
        try? connection.write("y") { _ in calls.record("second") }
      }
    }
    try LoopHarness.run { loop, calls in
      let (connection, peer) = try Self.adopted(on: loop)
      do {
        let witness = Witness(connection, calls)
        try connection.write("x") { _ in
          withExtendedLifetime(witness) {}
          calls.record("first")
        }
      }
      LoopTimer.every(.milliseconds(1), on: loop) { timer in
        guard calls.count(of: "second") == 1 else { return }
        timer.cancel()
        connection.close()
        withExtendedLifetime(peer) {}
      }
      calls.expect(["first", "second"])
    }
  }

  @Test func `limits make sense however they are set`() {
    var limits = StreamConnection.WriteLimits(
      highWaterMark: 100, lowWaterMark: 200, maximumPendingBytes: 50,
      maximumPendingCompletions: -1)
    #expect(limits.highWaterMark == 50)
    #expect(limits.lowWaterMark == 50)
    #expect(limits.maximumPendingCompletions == 0)
    limits.lowWaterMark = -5
    #expect(limits.lowWaterMark == 0)
    limits = .init()
    limits.highWaterMark = 1000
    #expect(limits.lowWaterMark == 1000)
    limits.highWaterMark = -1
    #expect(limits.highWaterMark == 0)
    limits.maximumPendingBytes = -1
    #expect(limits.maximumPendingBytes == 0)
    limits = .init()
    limits.lowWaterMark = .max
    #expect(limits.lowWaterMark == limits.highWaterMark)
  }

  @Test func `a write over a limit names the limit and its value`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair(writeLimits: BackpressureTests.small) { connected, accepted in
        func refusal(_ body: () throws(UVError) -> Void) -> String {
          do throws(UVError) { try body() } catch { return error.description }
          return "no error"
        }
        let large = [UInt8](repeating: 0, count: 20_001)
        #expect(
          refusal { () throws(UVError) in try connected.write(large) }
            .contains("writeLimits.maximumPendingBytes is 20000"))
        expectNoError { for _ in 0..<3 { try connected.write("") { _ in } } }
        #expect(
          refusal { () throws(UVError) in try connected.write("") { _ in } }
            .contains("writeLimits.maximumPendingCompletions is 3"))
        connected.close()
        accepted.close()
        calls.record("done")
      }
      calls.expect(["done"])
    }
  }
}
