import Testing
import UVNet
import UVNetTestKit

/// Headers that are read from connections, before anything else is done with those.
@Suite struct ProxyConnectionTests {
  private static let line = Array("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25555\r\n".utf8)

  @Test(arguments: [1, 2, 20, 47, 52])
  func `what comes behind a header is the program's, wherever it was cut`(cut: Int) throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { proxy, server in
        let stream = Self.line + Array("hello".utf8)
        expectNoError { try proxy.write(Array(stream[..<cut])) }
        LoopTimer.after(.milliseconds(2), on: loop) { _ in
          expectNoError { try proxy.write(Array(stream[cut...])) }
          proxy.shutdown()
        }
        proxy.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("proxy closed") }))
        server.readProxyHeader(within: .seconds(20)) { result in
          expectNoError {
            let header = try result.get()
            #expect(header.source?.description == "192.0.2.1:56324")
          }
          calls.record("header")
          var text = ""
          server.start(
            .init(
              onData: { _, bytes in
                #expect(calls.names == ["header", "started"])
                text += String(decoding: bytes)
              },
              onEnd: { server in
                #expect(text == "hello")
                #expect(server.bytesRead == UInt64(stream.count))
                calls.record("end")
                server.close()
              }))
          calls.record("started")
        }
      }
      calls.expect(["header", "started", "end", "proxy closed"])
    }
  }

  @Test func `what comes behind a header waits while the program pauses, and may be answered`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { proxy, server in
        expectNoError { try proxy.write(Self.line + Array("ask".utf8)) }
        proxy.start(
          .init(onData: { proxy, bytes in
            calls.record(String(decoding: bytes))
            proxy.close()
          }))
        server.readProxyHeader(within: nil) { result in
          expectNoError { _ = try result.get() }
          server.pauseReading()
          server.start(
            .init(onData: { server, bytes in
              calls.record(String(decoding: bytes))
              expectNoError { try server.write("answer") }
            }))
          LoopTimer.after(.milliseconds(5), on: loop) { _ in
            calls.record("resumed")
            server.resumeReading()
          }
        }
      }
      calls.expect(["resumed", "ask", "answer"])
    }
  }

  @Test(arguments: ["\u{2}\u{1A}\u{0}", "PROXY TCP4 1.2.3.4\r\n"])
  func `bytes that are no header close the connection, and nothing is delivered`(text: String)
    throws
  {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { proxy, server in
        expectNoError { try proxy.write(text) }
        proxy.start(.init(onData: { _, _ in calls.record("data") }))
        server.readProxyHeader(within: .seconds(20)) { result in
          #expect(throws: UVError.self) { try result.get() }
          #expect(server.isClosing)
          #expect(server.closeReason?.error?.code == .protocolError)
          calls.record("refused")
        }
      }
      calls.expect(["refused"])
    }
  }

  @Test func `an end inside a header is an error, and one before it is the peer's`() throws {
    for (sent, code, reason) in [
      ("PROXY", UVError.Code.protocolError, nil), ("", .canceled, CloseReason.peer),
    ] {
      try LoopHarness.run { loop, calls in
        try loop.withConnectedPair { proxy, server in
          expectNoError { try proxy.write(sent) }
          proxy.start(.init(onData: { _, _ in }))
          proxy.shutdown()
          server.readProxyHeader(within: .seconds(20)) { result in
            do throws(UVError) {
              _ = try result.get()
            } catch {
              #expect(error.code == code)
            }
            if let reason { #expect(server.closeReason == reason) }
            calls.record("ended")
          }
        }
        calls.expect(["ended"])
      }
    }
  }

  @Test func `a header that takes too long closes the connection`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { proxy, server in
        expectNoError { try proxy.write("PROXY TCP4 ") }
        proxy.start(.init(onData: { _, _ in }))
        server.readProxyHeader(within: .milliseconds(20)) { result in
          #expect(throws: UVError(.timedOut, during: .handshake)) { try result.get() }
          calls.record("timed out")
        }
      }
      calls.expect(["timed out"])
    }
  }

  @Test func `a connection can be closed while its header is read`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { proxy, server in
        proxy.start(.init(onData: { _, _ in }))
        server.readProxyHeader(within: .seconds(20)) { result in
          #expect(throws: UVError.self) { try result.get() }
          calls.record("canceled")
        }
        LoopTimer.after(.milliseconds(2), on: loop) { _ in server.close() }
      }
      calls.expect(["canceled"])
    }
  }

  @Test func `what came behind a header is not lost on a connection that cannot be handed over`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { proxy, server in
        expectNoError { try proxy.write(Self.line + [1]) }
        proxy.start(.init(onData: { _, _ in }))
        server.readProxyHeader(within: .seconds(20)) { result in
          expectNoError { _ = try result.get() }
          #expect(throws: UVError.self) { try server.detach() }
          calls.record("refused")
          server.close()
        }
      }
      calls.expect(["refused"])
    }
  }

  @Test func `a handshake may come behind a header, in the same piece`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { proxy, server in
        // A hello and data of the masked protocol.
        let records: [UInt8] = [1, 0, 1, 17 ^ 1, 2, 0, 2, 1 ^ 104, 1 ^ 105]
        expectNoError { try proxy.write(Self.line + records) }
        proxy.start(.init(onData: { _, _ in }))
        server.readProxyHeader(within: .seconds(20)) { result in
          expectNoError { _ = try result.get() }
          calls.record("header")
          server.begin(MaskTransform(mask: 17), within: .seconds(20)) { result in
            expectNoError { try result.get() }
            calls.record("handshake")
            server.start(
              .init(onData: { server, bytes in
                calls.record("data \(String(decoding: bytes))")
                server.close()
              }))
          }
        }
      }
      calls.expect(["header", "handshake", "data hi"])
    }
  }

  @Test func `a task reads the header, and then the frames behind it`() async throws {
    try await AsyncHarness.run { loop in
      let (server, proxy) = try await pair(on: loop)
      try await proxy.write(Self.line + Array("one\ntwo\n".utf8))
      proxy.shutdown()
      let header = try await server.readProxyHeader(within: .seconds(20))
      #expect(header.destination?.description == "198.51.100.7:25555")
      var lines: [String] = []
      for try await line in server.frames(using: .lines, maximumLength: 100) { lines.append(line) }
      #expect(lines == ["one", "two"])
    }
  }
}
