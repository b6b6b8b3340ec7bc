import Testing
import UVNet
import UVNetTestKit

extension CloseReason {
  // Computed, for the leak checker does not recognise the pointer that a stored one is.
  fileprivate static var evicted: CloseReason { CloseReason("evicted") }
}

/// What makes a protocol easy to write on a connection.
@Suite struct ConversationTests {
  @Test func `a program's own reason is told to onClose, and the first reason stays`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        connected.start(
          .init(onData: { _, _ in }, onClose: { _, reason in calls.record("\(reason)") }))
        connected.close(.evicted)
        connected.close(.peer)
        #expect(connected.closeReason == .evicted)
        #expect(connected.closeReason != CloseReason("other"))
        accepted.close()
      }
      calls.expect(["evicted"])
    }
  }

  @Test func `handlers know the connection's own type, and are replaced inside their own call`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        let second = TCPConnection.Handlers(
          onData: { connection, bytes in
            #expect(connection.remoteAddress != nil)
            calls.record("second \(String(decoding: bytes))")
            connection.close()
          },
          onClose: { _, _ in calls.record("second closed") })
        accepted.start(
          .init(
            onData: { connection, bytes in
              calls.record("first \(String(decoding: bytes))")
              connection.replaceHandlers(second)
              expectNoError { try connected.write("two") }
            },
            onClose: { _, _ in Issue.record("these were replaced") }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError { try connected.write("one") }
      }
      calls.expect(["first one", "second two", "second closed"])
    }
  }

  @Test func `onClose knows the peer's address, after a reset too`() throws {
    for isReset in [false, true] {
      for address in [SocketAddress(.loopback, port: 0), SocketAddress(.loopbackIPv6, port: 0)] {
        try LoopHarness.run { loop, calls in
          var client: SocketAddress?
          let listener = try TCPListener.listen(at: address, on: loop) { listener, accepted in
            listener.close()
            accepted.start(
              .init(
                onData: { _, _ in },
                onClose: { accepted, reason in
                  #expect((reason.error?.code == .connectionReset) == isReset)
                  #expect(client != nil && accepted.remoteAddress == client)
                  calls.record("closed")
                }))
          }
          TCPConnection.connect(to: listener.localAddress, on: loop) { result in
            expectNoError {
              let connected = try result.get()
              client = connected.localAddress
              #expect(connected.remoteAddress == listener.localAddress)
              if isReset { connected.reset() } else { connected.close() }
            }
          }
          calls.expect(["closed"])
        }
      }
    }
  }

  @Test func `connecting to no address in particular tells which one was met`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      TCPConnection.connect(to: SocketAddress(.any, port: peer.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          #expect(connection.remoteAddress == SocketAddress(.loopback, port: peer.port))
          connection.close()
        }
        withExtendedLifetime(peer) {}
        calls.record("connected")
      }
      calls.expect(["connected"])
    }
  }

  @Test func `a value of the program's own is kept with a connection`() throws {
    enum Session: Int { case none, first, second }
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        #expect(connected.tag(as: Session.self) == Session.none)
        connected.setTag(Session.second)
        #expect(connected.tag(as: Session.self) == .second)
        #expect(accepted.tag(as: Session.self) == Session.none)
        connected.close()
        accepted.close()
        calls.record("asked")
      }
      calls.expect(["asked"])
    }
  }

  @Test func `whether a connection can write, is ending and is active`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair(writeLimits: BackpressureTests.small) { connected, accepted in
        accepted.start(.init(onData: { _, _ in }))
        connected.start(.init(onData: { _, _ in }))
        #expect(connected.isActive)
        connected.pauseReading()
        #expect(!connected.isActive && connected.keepsLoopAlive)
        connected.resumeReading()
        expectNoError { try connected.write([UInt8](repeating: 0, count: 15_000)[...]) }
        #expect(connected.canWrite && !connected.isWritable && !connected.isEnding)
        connected.closeGracefully()
        #expect(!connected.canWrite && connected.isEnding)
        calls.record("asked")
      }
      calls.expect(["asked"])
    }
  }

  @Test func `a text arrives as it was, and bytes that are none are told`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(onData: { accepted, bytes in
            calls.record(String(validating: bytes) ?? "no text")
            #expect([UInt8](bytes) == Array("grüße".utf8))
            #expect(String(validating: bytes.extracting(0..<3)) == nil)
            accepted.close()
          }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError { try connected.write("grüße") }
      }
      calls.expect(["grüße"])
    }
  }

  @Test func `lines come whole however the bytes are cut, and too long a one is refused`() throws {
    let text = Array("one\r\n\ntwo\nthr".utf8)
    for cut in 0...text.count {
      for second in cut...text.count {
        var splitter = LineSplitter(maximumLength: 3)
        var lines: [String] = []
        for piece in [text[..<cut], text[cut..<second], text[second...]] {
          try splitter.split(Array(piece).span.bytes) { lines.append(String(decoding: $0)) }
        }
        #expect(lines == ["one", "", "two"])
        #expect(splitter.rest == Array("thr".utf8))
      }
    }
    for text in ["four\n", "four", "abcd\r\n", "abcde"] {
      var splitter = LineSplitter(maximumLength: 3)
      #expect(throws: LineSplitter.LineTooLong(maximumLength: 3)) {
        try splitter.split(Array((text + "x").utf8).span.bytes) { _ in }
      }
    }
  }

  @Test func `an error says whose code it is`() {
    #expect(UVError(.timedOut, during: .connect).domain == .system)
    #expect(UVError(.init(rawValue: -3008), during: .resolve).domain == .nameLookUp)
    let own = UVError(.canceled, during: .init(rawValue: "handshake"), domain: .program)
    #expect(own.domain == .program)
    #expect(own.description.hasPrefix("handshake: "))
  }

  #if os(Linux)
    @Test func `a value that is bound to a loop opens on that loop only`() async throws {
      let loop = try EventLoop()
      #expect(LoopBound("value", to: loop).value(on: loop) == "value")
      let timer = LoopTimer.unscheduled(on: loop) { _ in }
      #expect(LoopBound(timer).value(on: loop) === timer)
      timer.close()
      loop.run()
      try loop.close()
      let result = await #expect(
        processExitsWith: .failure, observing: [\.standardErrorContent]
      ) {
        let loop = try EventLoop()
        let other = try EventLoop()
        _ = LoopBound("value", to: loop).value(on: other)
      }
      let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(message.contains("a LoopBound value was asked for on another loop"))
    }
  #endif
}
