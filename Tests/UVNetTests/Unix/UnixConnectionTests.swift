import Testing
import TestTaskTestSupport
import UVNet
import UVNetTestKit

/// Connecting, and what every stream promises.
@Suite struct UnixConnectionTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/socket" }
  private var address: UnixAddress { get throws { try UnixAddress(path: path) } }

  init() throws { folder = try TemporaryFolder() }

  // MARK: Connecting

  @Test func `each reason why nobody can be connected to is told later, and once`() throws {
    for (make, code): (() throws -> Void, UVError.Code) in [
      ({}, .noSuchFile),
      ({ folder.put("", "socket") }, .connectionRefused),
      ({ try #require(mkdir(path, 0o700) == 0) }, .connectionRefused),
      ({ try RawSocket.listen(path: path).close() }, .connectionRefused),
      ({ _ = symlink(folder.path + "/nowhere", path) }, .noSuchFile),
    ] {
      try make()
      try LoopHarness.run { loop, calls in
        UnixConnection.connect(to: try address, on: loop) { result in
          #expect(result.failureCode == code)
          calls.record("failed")
        }
        calls.record("asked")
        calls.expect(["asked", "failed"])
      }
      unlink(path)
      rmdir(path)
    }
  }

  @Test func `a full backlog is tried again until there is room`() throws {
    let server = try RawSocket.listen(path: path, backlog: 0)
    let first = try RawSocket.connect(path: path)
    try LoopHarness.run { loop, calls in
      UnixConnection.connect(to: try address, on: loop) { result in
        expectNoError { try result.get().close() }
        calls.record("connected")
      }
      LoopTimer.after(.milliseconds(20), on: loop) { _ in
        calls.record("room")
        expectNoError { try server.accept().close() }
      }
      calls.expect(["room", "connected"])
    }
    withExtendedLifetime(first) {}
  }

  @Test func `a full backlog is given up by time, by the program and by the loop's end`() throws {
    let server = try RawSocket.listen(path: path, backlog: 0)
    let first = try RawSocket.connect(path: path)
    try LoopHarness.run { loop, calls in
      UnixConnection.connect(to: try address, on: loop, timeout: .milliseconds(20)) { result in
        #expect(result.failureCode == .timedOut)
        calls.record("timed out")
      }
      let attempt = UnixConnection.connect(to: try address, on: loop) { result in
        #expect(result.failureCode == .canceled)
        calls.record("cancelled")
      }
      loop.nextTick {
        loop.nextTick {
          attempt.cancel()
          attempt.cancel()
        }
      }
      calls.expect(["cancelled", "timed out"])
    }
    for isWaiting in [false, true] {
      try LoopHarness.run { loop, calls in
        UnixConnection.connect(to: try address, on: loop) { result in
          #expect(result.failureCode == .canceled)
          calls.record("cancelled")
        }
        if isWaiting {
          LoopTimer.after(.milliseconds(2), on: loop) { _ in loop.end() }
        } else {
          loop.end()
        }
        calls.expect(["cancelled"])
      }
    }
    withExtendedLifetime((server, first)) {}
  }

  @Test func `what is adopted must be a connected Unix socket`() throws {
    try LoopHarness.run { loop, calls in
      #expect(throws: UVError.self) { try UnixConnection.adopt(descriptor: -1, on: loop) }
      let tcp = try RawSocket.listen()
      let peer = try RawSocket.connect(port: tcp.port)
      let listening = try RawSocket.listen(path: path)
      for socket in [peer, listening] {
        let descriptor = socket.release()
        #expect(throws: UVError.self) {
          try UnixConnection.adopt(descriptor: descriptor, on: loop)
        }
        close(descriptor)
      }
      calls.record("refused")
      calls.expect(["refused"])
    }
  }

  // MARK: A stream

  @Test func `callbacks come in order: data, end, write completion, close`() throws {
    try LoopHarness.run { loop, calls in
      let (one, other) = try loop.connectedUnixPair()
      other.start(
        .init(
          onData: { _, bytes in calls.record("data \(bytes.byteCount)") },
          onEnd: { other in
            calls.record("end")
            expectNoError {
              try other.write("bye") { result in
                expectNoError { try result.get() }
                calls.record("written")
                other.closeGracefully()
              }
            }
          },
          onClose: { other, reason in
            #expect(reason == .peer)
            #expect(other.bytesRead == 5 && other.bytesWritten == 3)
            calls.record("closed")
          }))
      one.start(.init(onData: { _, bytes in #expect(String(decoding: bytes) == "bye") }))
      try one.write("hello")
      one.shutdown()
      calls.expect(["data 5", "end", "written", "closed"])
    }
  }

  @Test func `a peer that never reads is met by marks, the hard limit and the deadline`() throws {
    try LoopHarness.run { loop, calls in
      let limits = StreamConnection.WriteLimits(
        highWaterMark: 100_000, lowWaterMark: 10_000, maximumPendingBytes: 4_000_000)
      let (one, other) = try loop.connectedUnixPair(writeLimits: limits)
      one.start(
        .init(
          onData: { _, _ in },
          onDrain: { _ in Issue.record("nothing was read") },
          onClose: { one, _ in
            // The kernel has taken what fits into its buffers.
            #expect(one.pendingBytes > 0 && one.bytesWritten > 0)
            calls.record("closed")
            other.close()
          }))
      let piece = [UInt8](repeating: 7, count: 1_000_000)
      for _ in 0..<4 { try one.write(piece) }
      #expect(throws: UVError.self) { try one.write([0]) }
      #expect(!one.isWritable && one.canWrite)
      one.closeGracefully(within: .milliseconds(20))
      calls.expect(["closed"])
    }
  }

  @Test func `a peer that reads again gets everything, after a drain`() throws {
    try LoopHarness.run { loop, calls in
      let limits = StreamConnection.WriteLimits(highWaterMark: 100_000, lowWaterMark: 10_000)
      let (one, other) = try loop.connectedUnixPair(writeLimits: limits)
      var received = 0
      other.start(
        .init(
          onData: { _, bytes in received += bytes.byteCount },
          onEnd: { other in
            #expect(received == 8_000_000)
            calls.record("end")
            other.close()
          }))
      other.pauseReading()
      one.start(
        .init(
          onData: { _, _ in },
          onDrain: { one in
            calls.record("drained")
            one.closeGracefully()
          }))
      try one.write([UInt8](repeating: 7, count: 8_000_000))
      LoopTimer.after(.milliseconds(5), on: loop) { _ in other.resumeReading() }
      calls.expect(["drained", "end"])
    }
  }

  @Test func `what is written before a close arrives`() throws {
    try LoopHarness.run { loop, calls in
      let (one, other) = try loop.connectedUnixPair()
      other.start(
        .init(
          onData: { _, bytes in calls.record(String(decoding: bytes)) },
          onClose: { _, reason in
            #expect(reason == .peer)
            calls.record("closed")
          }))
      one.start(.init(onData: { _, _ in }))
      try one.write("last words")
      one.close()
      calls.expect(["last words", "closed"])
    }
  }

  @Test func `a peer that closes with input unread is a reset, after what it sent`() throws {
    for writes in [false, true] {
      try LoopHarness.run { loop, calls in
        let (peer, end) = try RawSocket.unixPair()
        let connection = try UnixConnection.adopt(descriptor: end.release(), on: loop)
        try peer.send(Array("sent".utf8))
        connection.start(
          .init(
            onData: { connection, bytes in
              calls.record(String(decoding: bytes))
              peer.close()
              if writes { expectNoError { try connection.write("too late") } }
            },
            onEnd: { _ in Issue.record("it was a reset") },
            onClose: { _, reason in
              #expect(reason.error?.code == .connectionReset)
              calls.record("closed")
            }))
        try connection.write("never read")
        calls.expect(["sent", "closed"])
      }
    }
  }

  @Test func `a write after the peer has closed finds what it sent, and its end`() throws {
    try LoopHarness.run { loop, calls in
      let (peer, end) = try RawSocket.unixPair()
      let connection = try UnixConnection.adopt(descriptor: end.release(), on: loop)
      try peer.send(Array("sent".utf8))
      peer.close()
      connection.start(
        .init(
          onData: { _, bytes in calls.record(String(decoding: bytes)) },
          onEnd: { _ in calls.record("end") },
          onClose: { _, reason in
            #expect(reason == .peer)
            calls.record("closed")
          }))
      try connection.write("to nobody")
      calls.expect(["sent", "end", "closed"])
    }
  }

  @Test func `a peer that closes after its end is noticed though nothing is written`() throws {
    try LoopHarness.run { loop, calls in
      let (peer, end) = try RawSocket.unixPair()
      let connection = try UnixConnection.adopt(descriptor: end.release(), on: loop)
      peer.shutdownWrite()
      connection.start(
        .init(
          onData: { _, _ in },
          onEnd: { _ in
            calls.record("end")
            peer.close()
          },
          onClose: { _, reason in
            #expect(reason.error?.code == .connectionReset)
            calls.record("closed")
          }))
      calls.expect(["end", "closed"])
    }
  }

  @Test func `a peer that ends its stream and stays is no failure`() throws {
    try LoopHarness.run { loop, calls in
      let (peer, end) = try RawSocket.unixPair()
      let connection = try UnixConnection.adopt(descriptor: end.release(), on: loop)
      peer.shutdownWrite()
      connection.start(
        .init(
          onData: { _, _ in },
          onEnd: { connection in
            // Longer than the loop takes to look at connections that are quiet.
            LoopTimer.after(.milliseconds(1200), on: loop) { _ in
              expectNoError { try connection.write("still here") }
              connection.closeGracefully()
            }
          },
          onClose: { _, reason in
            #expect(reason == .peer)
            expectNoError {
              let received = try peer.receiveToEnd()
              #expect(received == Array("still here".utf8))
            }
            calls.record("closed")
          }))
      calls.expect(["closed"])
    }
  }

  @Test func `a transform works on it as on any stream`() throws {
    try LoopHarness.run { loop, calls in
      let (one, other) = try loop.connectedUnixPair()
      other.begin(MaskTransform(mask: 3), within: nil) { _ in
        other.start(
          .init(
            onData: { _, bytes in calls.record(String(decoding: bytes)) },
            onClose: { _, reason in #expect(reason == .peer) }))
      }
      one.begin(MaskTransform(mask: 4), within: nil) { _ in
        expectNoError { try one.write("masked") }
        one.start(.init(onData: { _, _ in }))
        one.closeGracefully()
      }
      calls.expect(["masked"])
    }
  }
}
