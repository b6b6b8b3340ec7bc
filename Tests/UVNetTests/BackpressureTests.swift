import Testing
import UVNet
import UVNetTestKit

@Suite struct BackpressureTests {
  static let small = StreamConnection.WriteLimits(
    highWaterMark: 10_000, lowWaterMark: 2000, maximumPendingBytes: 20_000,
    maximumPendingCompletions: 3)

  @Test func `the high-water mark turns writable off, the low one on, and drain tells`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair(writeLimits: Self.small) { connected, accepted in
        accepted.start(.init(onData: { _, _ in }))
        connected.start(
          .init(
            onData: { _, _ in },
            onDrain: { connected in
              #expect(connected.isWritable)
              #expect(connected.pendingBytes <= Self.small.lowWaterMark)
              calls.record("drain")
              connected.closeGracefully()
            }))
        expectNoError {
          try connected.write([UInt8](repeating: 0, count: 10_000))
          #expect(connected.isWritable)
          try connected.write([0])
          #expect(!connected.isWritable)
        }
        calls.record("written")
      }
      calls.expect(["written", "drain"])
    }
  }

  @Test func `drain is told at the low-water mark, and not only when everything is gone`() throws {
    let limits = StreamConnection.WriteLimits(
      highWaterMark: 65_536, lowWaterMark: 16_384, maximumPendingBytes: 64 << 20)
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair(writeLimits: limits) { connected, accepted in
        connected.start(
          .init(
            onData: { _, _ in },
            onDrain: { connected in
              // The large write is gone, and the small one is still to be offered.
              #expect(connected.pendingBytes == 10_000)
              calls.record("drain")
              connected.closeGracefully()
            }))
        // More than the kernel takes at once, so that what follows waits behind it.
        expectNoError { try connected.write([UInt8](repeating: 0, count: 32 << 20)) }
        loop.nextTick {
          #expect(!connected.isWritable)
          expectNoError { try connected.write([UInt8](repeating: 1, count: 10_000)) }
          accepted.start(.init(onData: { _, _ in }))
        }
      }
      calls.expect(["drain"])
    }
  }

  @Test func `over the hard cap a write is refused whole, and what was queued still goes`() throws {
    try LoopHarness.run { loop, calls in
      var received = 0
      try loop.withConnectedPair(writeLimits: Self.small) { connected, accepted in
        accepted.start(
          .init(
            onData: { _, bytes in received += bytes.byteCount },
            onClose: { _, _ in calls.record("received \(received)") }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError { try connected.write([UInt8](repeating: 0, count: 20_000)) }
        let error = #expect(throws: UVError.self) { try connected.write([0]) }
        #expect(error?.code == .noBufferSpace)
        connected.closeGracefully()
      }
      calls.expect(["received 20000"])
    }
  }

  @Test func `completions are capped in number, and come in order`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair(writeLimits: Self.small) { connected, accepted in
        accepted.start(.init(onData: { _, _ in }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError {
          for number in 1...3 { try connected.write("x") { _ in calls.record("\(number)") } }
        }
        let error = #expect(throws: UVError.self) {
          try connected.write("x") { _ in Issue.record("the call threw") }
        }
        #expect(error?.code == .noBufferSpace)
        connected.closeGracefully()
      }
      calls.expect(["1", "2", "3"])
    }
  }

  @Test func `a completion that writes again does not keep other work from running`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(.init(onData: { _, _ in }))
        connected.start(.init(onData: { _, _ in }))
        func again() {
          guard !connected.isClosing else { return }
          try? connected.write("x") { _ in again() }
        }
        again()
        LoopTimer.after(.milliseconds(5), on: loop) { _ in
          calls.record("timer")
          connected.close()
        }
      }
      calls.expect(["timer"])
    }
  }

  @Test func `what a stalled peer reads later arrives whole and in order`() throws {
    try LoopHarness.run { loop, calls in
      let limits = StreamConnection.WriteLimits(maximumPendingBytes: 32 << 20)
      let total = 12 << 20
      try loop.withConnectedPair(writeLimits: limits) { connected, accepted in
        var received = 0
        accepted.start(
          .init(
            onData: { _, bytes in
              for index in 0..<bytes.byteCount {
                let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                guard byte == UInt8(truncatingIfNeeded: (received + index) / 1000) else {
                  Issue.record("byte \(received + index) is \(byte)")
                  return
                }
              }
              received += bytes.byteCount
            },
            onClose: { _, _ in calls.record("received \(received)") }))
        accepted.pauseReading()
        connected.start(.init(onData: { _, _ in }))
        var sent = 0
        expectNoError {
          while sent < total {
            let bytes = (sent..<sent + 1000).map { UInt8(truncatingIfNeeded: $0 / 1000) }
            try connected.write(bytes)
            sent += 1000
          }
        }
        LoopTimer.after(.milliseconds(5), on: loop) { _ in
          #expect(connected.pendingBytes > 0)
          #expect(connected.bytesWritten > 0)
          // Collected behind what libuv holds.
          expectNoError {
            try connected.write((sent..<sent + 1000).map { UInt8(truncatingIfNeeded: $0 / 1000) })
          }
          accepted.resumeReading()
          connected.closeGracefully()
        }
      }
      calls.expect(["received \((total + 999) / 1000 * 1000 + 1000)"])
    }
  }

  @Test func `thousands who wait to hear of their writes hear in order, in two halves`() throws {
    let limits = StreamConnection.WriteLimits(
      maximumPendingBytes: 16 << 20, maximumPendingCompletions: 4096)
    try LoopHarness.run { loop, calls in
      var told: [Int] = []
      func writeHalf(_ connected: TCPConnection, from first: Int) {
        for number in first..<first + 1100 {
          expectNoError { try connected.write("x") { _ in told.append(number) } }
        }
      }
      try loop.withConnectedPair { connected, accepted in
        connected.writeLimits = limits
        #expect(connected.writeLimits == limits)
        connected.start(
          .init(
            onData: { _, _ in },
            onClose: { _, _ in
              #expect(told == Array(0..<2200))
              calls.record("closed")
            }))
        // More than the system takes while nobody reads, so that the first half has to wait; the
        // second is collected behind it.
        expectNoError { try connected.write([UInt8](repeating: 0, count: 12 << 20)) }
        writeHalf(connected, from: 0)
        LoopTimer.after(.milliseconds(5), on: loop) { _ in
          #expect(told.isEmpty)
          writeHalf(connected, from: 1100)
          accepted.start(.init(onData: { _, _ in }, onEnd: { accepted in accepted.close() }))
          connected.closeGracefully(within: .seconds(20))
        }
      }
      calls.expect(["closed"])
    }
  }

  @Test func `a close once all is sent waits for a peer that reads late`() throws {
    let total = 12 << 20
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        var received = 0
        connected.start(.init(onData: { _, _ in }))
        // More than the system takes while nobody reads.
        expectNoError { try connected.write([UInt8](repeating: 7, count: total)) }
        connected.closeOnceSent(within: .milliseconds(1))
        // Long after what the peer has once all is sent.
        LoopTimer.after(.milliseconds(50), on: loop) { _ in
          accepted.start(
            .init(
              onData: { _, bytes in received += bytes.byteCount },
              onEnd: { accepted in
                calls.record("received \(received)")
                accepted.close()
              }))
        }
      }
      // Which end is closed first depends on how fast the rest is read.
      calls.expect(["received \(total)"])
    }
  }

  @Test func `a close once all is sent shortens a graceful one, and loses nothing of it`() throws {
    let total = 12 << 20
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        var received = 0
        var isClosed = false
        // Which comes first depends on how fast the rest is read.
        func finish() {
          guard isClosed, received == total else { return }
          calls.record("closed, and all received")
          accepted.close()
        }
        connected.start(
          .init(
            onData: { _, _ in },
            onClose: { _, _ in
              isClosed = true
              finish()
            }))
        // More than the system takes while nobody reads.
        expectNoError { try connected.write([UInt8](repeating: 7, count: total)) }
        connected.closeGracefully(within: .seconds(100))
        connected.closeOnceSent(within: .milliseconds(1))
        #expect(!connected.isClosing)
        LoopTimer.after(.milliseconds(50), on: loop) { _ in
          accepted.start(
            .init(
              onData: { _, bytes in
                received += bytes.byteCount
                finish()
              },
              // It keeps its own end open.
              onEnd: { _ in }))
        }
      }
      calls.expect(["closed, and all received"])
    }
  }

  @Test func `a close once all is sent ends a broken connection at once`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        connected.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
        connected.shutdown()
        // Nothing may be written any more.
        connected.closeOnceSent(within: .seconds(20))
        #expect(connected.isClosing)
        accepted.close()
      }
      calls.expect(["closed"])
    }
  }
}
