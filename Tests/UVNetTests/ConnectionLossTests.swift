import Testing
import UVNet
import UVNetTestKit

/// Each way that a connection can end has one name, and is noticed, whatever the connection does.
@Suite struct ConnectionLossTests {
  /// Connects to a blocking peer, which answers and closes without having read what comes after.
  static func answeredAndClosed(
    on loop: EventLoop, _ body: @escaping (TCPConnection) throws -> Void
  ) throws {
    let listener = try RawSocket.listen()
    TCPConnection.connect(to: SocketAddress(.loopback, port: listener.port), on: loop) { result in
      expectNoError {
        let connection = try result.get()
        let peer = try listener.accept()
        try peer.send(Array("answer".utf8))
        peer.close()
        try body(connection)
      }
    }
  }

  static func recording(
    _ calls: CallRecord, onEnd: @escaping (TCPConnection) -> Void = { _ in }
  ) -> TCPConnection.Handlers {
    .init(
      onData: { _, bytes in calls.record(String(decoding: bytes.array, as: UTF8.self)) },
      onEnd: { connection in
        calls.record("end")
        onEnd(connection)
      },
      onClose: { _, reason in
        if let error = reason.error {
          calls.record(error.name)
        } else {
          calls.record("\(reason)")
        }
      })
  }

  @Test func `a write that meets the closed peer first still lets the answer and its end be read`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try Self.answeredAndClosed(on: loop) { connection in
        connection.start(Self.recording(calls))
        // Answered by a reset, which the second one meets before anything is read.
        try connection.write("request 1")
        loop.nextTick {
          expectNoError { try connection.write("request 2") { _ in calls.record("told") } }
        }
      }
      calls.expect(["answer", "end", "told", "peer"])
    }
  }

  @Test func `a closed peer that is met by reading first has the same name`() throws {
    try LoopHarness.run { loop, calls in
      try Self.answeredAndClosed(on: loop) { connection in
        try connection.write("request")
        // Answer, end and reset are all there when it begins to read.
        loop.nextTick { connection.start(Self.recording(calls)) }
      }
      calls.expect(["answer", "end", "peer"])
    }
  }

  @Test func `a closed peer that is met by a write while reading is paused has the same name`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try Self.answeredAndClosed(on: loop) { connection in
        connection.start(Self.recording(calls))
        connection.pauseReading()
        try connection.write("request 1")
        loop.nextTick { expectNoError { try connection.write("request 2") } }
      }
      calls.expect(["peer"])
    }
  }

  @Test func `a reset after the end was told is a reset, whatever meets it`() throws {
    try LoopHarness.run { loop, calls in
      try Self.answeredAndClosed(on: loop) { connection in
        connection.start(
          Self.recording(calls) { connection in
            expectNoError { try connection.write("late 1") }
            loop.nextTick { expectNoError { try connection.write("late 2") } }
          })
      }
      calls.expect(["answer", "end", "ECONNRESET"])
    }
  }

  @Test(arguments: ["paused", "half-closed", "not started", "shut down"])
  func `a reset is noticed though nothing is read or written`(state: String) throws {
    try LoopHarness.run { loop, calls in
      let listener = try RawSocket.listen()
      TCPConnection.connect(to: SocketAddress(.loopback, port: listener.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          let peer = try listener.accept()
          let handlers = Self.recording(calls) { _ in peer.reset() }
          switch state {
          case "half-closed":
            connection.start(handlers)
            peer.shutdownWrite()
          case "not started":
            peer.reset()
            // Nobody would hear of it; the loop ends only when the handle is closed.
            _ = connection
          case "shut down":
            connection.start(handlers)
            connection.pauseReading()
            connection.shutdown()
            LoopTimer.after(.milliseconds(5), on: loop) { _ in peer.reset() }
          default:
            connection.start(handlers)
            connection.pauseReading()
            peer.reset()
          }
        }
      }
      calls.expect(
        state == "not started"
          ? [] : state == "half-closed" ? ["end", "ECONNRESET"] : ["ECONNRESET"])
    }
  }

  @Test func `a connection that nothing is read from keeps the loop alive until it is closed`()
    throws
  {
    for state in ["paused", "not started"] {
      try LoopHarness.run { loop, calls in
        let (connection, peer) = try WritingTests.adopted(on: loop)
        if state == "paused" {
          connection.start(.init(onData: { _, _ in }))
          connection.pauseReading()
        }
        let timer = LoopTimer.after(.milliseconds(2), on: loop) { _ in
          calls.record("timer")
          connection.close()
          withExtendedLifetime(peer) {}
        }
        timer.keepsLoopAlive = false
        calls.expect(["timer"])
      }
    }
  }

  @Test func `one that does not keep the loop alive lets it end, paused too`() throws {
    let loop = try EventLoop()
    let (connection, peer) = try WritingTests.adopted(on: loop)
    connection.keepsLoopAlive = false
    loop.run()
    connection.start(.init(onData: { _, _ in }))
    connection.pauseReading()
    loop.run()
    connection.keepsLoopAlive = true
    connection.resumeReading()
    connection.pauseReading()
    connection.keepsLoopAlive = false
    loop.run()
    #expect(!connection.isClosing)
    withExtendedLifetime(peer) {}
    loop.endAndClose()
  }
}
