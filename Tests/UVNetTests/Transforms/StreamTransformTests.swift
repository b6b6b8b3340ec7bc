import Testing
import UVNet
import UVNetTestKit

@Suite struct StreamTransformTests {
  /// Both ends with a transform, handed over when both handshakes are over.
  private func withMaskedPair(
    on loop: EventLoop, limits: StreamConnection.WriteLimits = .init(),
    _ body: @escaping (_ connected: TCPConnection, _ accepted: TCPConnection) -> Void
  ) throws {
    try loop.withConnectedPair(writeLimits: limits) { connected, accepted in
      var ready = 0
      func isReady(_ result: Result<Void, UVError>) {
        expectNoError { try result.get() }
        ready += 1
        if ready == 2 { body(connected, accepted) }
      }
      connected.begin(MaskTransform(mask: 17), within: .seconds(20), completion: isReady)
      accepted.begin(MaskTransform(mask: 99), within: nil, completion: isReady)
    }
  }

  /// One end with a transform, and a peer that speaks in bytes.
  private func withMaskedEnd(
    on loop: EventLoop, _ body: @escaping (_ masked: TCPConnection, _ peer: TCPConnection) -> Void
  ) throws {
    try loop.withConnectedPair { masked, peer in body(masked, peer) }
  }

  @Test func `bytes pass in both directions, and are others on the wire`() throws {
    try LoopHarness.run { loop, calls in
      let text = String(repeating: "through the mask ", count: 500)
      try withMaskedPair(on: loop) { connected, accepted in
        var echoed = ""
        accepted.start(
          .init(onData: { accepted, bytes in
            expectNoError { try accepted.write(bytes) }
          }))
        connected.start(
          .init(
            onData: { connected, bytes in
              echoed += String(decoding: bytes)
              if echoed.utf8.count == text.utf8.count { connected.closeGracefully() }
            },
            onClose: { connected, reason in
              #expect(echoed == text)
              #expect(reason == .local)
              // A hello, then records of a thousand bytes with three more.
              #expect(connected.bytesWritten == 4 + UInt64(text.utf8.count) + 9 * 3 + 3)
              calls.record("closed")
            }))
        expectNoError {
          try connected.write(text) { result in
            expectNoError { try result.get() }
            calls.record("written")
          }
        }
      }
      calls.expect(["written", "closed"])
    }
  }

  @Test func `the handshake is over before anything is delivered, whatever came with it`() throws {
    try LoopHarness.run { loop, calls in
      try withMaskedEnd(on: loop) { masked, peer in
        // Hello and data in one piece.
        expectNoError { try peer.write([1, 0, 1, 17 ^ 1, 2, 0, 2, 1 ^ 104, 1 ^ 105]) }
        peer.start(.init(onData: { _, _ in }))
        masked.begin(MaskTransform(mask: 17), within: nil) { result in
          expectNoError { try result.get() }
          calls.record("ready")
          masked.start(
            .init(onData: { masked, bytes in
              calls.record("data \(String(decoding: bytes))")
              masked.close()
            }))
          calls.record("started")
        }
        #expect(throws: UVError.self) { try masked.write("too early") }
        calls.record("begun")
      }
      calls.expect(["begun", "ready", "started", "data hi"])
    }
  }

  @Test func `what was received and not started keeps until it is`() throws {
    try LoopHarness.run { loop, calls in
      try withMaskedEnd(on: loop) { masked, peer in
        expectNoError { try peer.write([1, 0, 1, 17 ^ 1, 2, 0, 1, 1 ^ 65, 3, 0, 0]) }
        peer.start(.init(onData: { _, _ in }))
        masked.begin(MaskTransform(mask: 17), within: nil) { _ in
          #expect(!masked.endReceived)
          LoopTimer.after(.milliseconds(5), on: loop) { _ in
            masked.start(
              .init(
                onData: { _, bytes in calls.record("data \(String(decoding: bytes))") },
                onEnd: { masked in
                  #expect(masked.endReceived)
                  calls.record("end")
                  masked.closeGracefully()
                },
                onClose: { _, reason in
                  #expect(reason == .peer)
                  calls.record("closed")
                }))
          }
        }
      }
      calls.expect(["data A", "end", "closed"])
    }
  }

  @Test func `a pause in the middle of what was read holds the rest back`() throws {
    try LoopHarness.run { loop, calls in
      try withMaskedEnd(on: loop) { masked, peer in
        expectNoError {
          try peer.write([1, 0, 1, 17 ^ 1, 2, 0, 1, 1 ^ 65])
          try peer.write([2, 0, 1, 1 ^ 66, 3, 0, 0])
        }
        peer.start(.init(onData: { _, _ in }))
        masked.begin(MaskTransform(mask: 17), within: nil) { _ in
          masked.start(
            .init(
              onData: { masked, bytes in
                #expect(!masked.isReadingPaused)
                calls.record("data \(String(decoding: bytes))")
                masked.pauseReading()
                LoopTimer.after(.milliseconds(5), on: loop) { _ in
                  calls.record("resumed")
                  masked.resumeReading()
                }
              },
              onEnd: { masked in
                calls.record("end")
                masked.close()
              }))
        }
      }
      calls.expect(["data A", "resumed", "data B", "resumed", "end"])
    }
  }

  @Test func `an end of its own is the peer's end, and the socket's alone is a cut`() throws {
    for isCut in [false, true] {
      try LoopHarness.run { loop, calls in
        try withMaskedEnd(on: loop) { masked, peer in
          expectNoError { try peer.write([1, 0, 1, 9] + (isCut ? [] : [3, 0, 0])) }
          peer.start(.init(onData: { _, _ in }))
          peer.shutdown()
          masked.begin(MaskTransform(mask: 17), within: nil) { _ in
            masked.start(
              .init(
                onData: { _, _ in },
                onEnd: { masked in
                  calls.record("end")
                  masked.closeGracefully()
                },
                onClose: { _, reason in
                  #expect(reason.error?.domain == (isCut ? MaskTransform.domain : nil))
                  #expect(reason.error?.code == (isCut ? MaskTransform.cutOff : nil))
                  calls.record("closed")
                }))
          }
        }
        calls.expect(isCut ? ["closed"] : ["end", "closed"])
      }
    }
  }

  @Test func `each way to close says the end to the peer, but for a reset`() throws {
    for close: (TCPConnection) -> Void in [
      { $0.close() }, { $0.closeGracefully() }, { $0.shutdown() },
    ] {
      try LoopHarness.run { loop, calls in
        try withMaskedPair(on: loop) { connected, accepted in
          accepted.start(
            .init(
              onData: { _, bytes in calls.record(String(decoding: bytes)) },
              onEnd: { accepted in
                calls.record("end")
                accepted.closeGracefully()
              },
              onClose: { _, reason in #expect(reason == .peer) }))
          connected.start(.init(onData: { _, _ in }))
          expectNoError { try connected.write("bye") }
          close(connected)
          close(connected)
        }
        calls.expect(["bye", "end"])
      }
    }
    try LoopHarness.run { loop, calls in
      try withMaskedPair(on: loop) { connected, accepted in
        accepted.start(
          .init(
            onData: { _, _ in },
            onClose: { _, reason in
              #expect(reason.error?.code == .connectionReset)
              calls.record("closed")
            }))
        connected.reset()
      }
      calls.expect(["closed"])
    }
  }

  @Test func `a failed handshake is told once, after its alert was sent`() throws {
    try LoopHarness.run { loop, calls in
      try withMaskedEnd(on: loop) { masked, peer in
        var received: [UInt8] = []
        peer.start(
          .init(
            onData: { _, bytes in received += bytes.array },
            onClose: { _, _ in
              #expect(received == [1, 0, 1, 17, 4, 0, 0])
              calls.record("peer closed")
            }))
        expectNoError { try peer.write([1, 0, 1, 0]) }
        masked.begin(MaskTransform(mask: 17), within: nil) { result in
          #expect(result.failure?.domain == MaskTransform.domain)
          #expect(result.failureCode == MaskTransform.refused)
          #expect(masked.isClosing)
          calls.record("refused")
        }
      }
      calls.expect(["refused", "peer closed"])
    }
  }

  @Test func `a handshake that does not end is given up, by time, by the peer and by the program`()
    throws
  {
    try LoopHarness.run { loop, calls in
      try withMaskedEnd(on: loop) { masked, peer in
        peer.start(.init(onData: { _, _ in }))
        masked.begin(MaskTransform(mask: 17), within: .milliseconds(10)) { result in
          #expect(result.failureCode == .timedOut)
          #expect(result.failure?.operation == .handshake)
          calls.record("timed out")
        }
      }
      calls.expect(["timed out"])
    }
    try LoopHarness.run { loop, calls in
      try withMaskedEnd(on: loop) { masked, peer in
        peer.close()
        masked.begin(MaskTransform(mask: 17), within: nil) { result in
          #expect(result.failureCode == MaskTransform.cutOff)
          calls.record("cut off")
        }
      }
      calls.expect(["cut off"])
    }
    try LoopHarness.run { loop, calls in
      try withMaskedEnd(on: loop) { masked, peer in
        peer.start(.init(onData: { _, _ in }))
        masked.begin(MaskTransform(mask: 17), within: .seconds(20)) { result in
          #expect(result.failureCode == .canceled)
          calls.record("cancelled")
        }
        masked.close()
        masked.begin(MaskTransform(mask: 17), within: nil) { result in
          #expect(result.failureCode == .badDescriptor)
          calls.record("too late")
        }
      }
      calls.expect(["cancelled", "too late"])
    }
  }

  @Test func `an upgrade in the middle of a conversation`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { client, server in
        server.start(
          .init(onData: { server, bytes in
            #expect(String(decoding: bytes) == "upgrade")
            expectNoError { try server.write("go") }
            server.begin(MaskTransform(mask: 5, isAnswering: true), within: nil) { _ in
              server.replaceHandlers(
                .init(onData: { server, bytes in
                  calls.record(String(decoding: bytes))
                  server.close()
                }))
            }
          }))
        var text = ""
        client.start(
          .init(onData: { client, bytes in
            text += String(decoding: bytes)
            guard text == "go" else { return }
            client.begin(MaskTransform(mask: 6), within: nil) { _ in
              expectNoError { try client.write("masked") }
            }
          }))
        expectNoError { try client.write("upgrade") }
      }
      calls.expect(["masked"])
    }
  }

  @Test func `a peer that provokes answers and does not read them loses the connection`() throws {
    // Far off: the system's buffers are filled with answers of three bytes first.
    try LoopHarness.run(watchdog: .seconds(600)) { loop, calls in
      var limits = StreamConnection.WriteLimits()
      limits.maximumPendingBytes = 200_000
      try loop.withConnectedPair(writeLimits: limits) { masked, peer in
        peer.writeLimits = .init()
        expectNoError { try peer.write([1, 0, 1, 9]) }
        let questions = [UInt8](repeating: 0, count: 3 * 4000).enumerated().map {
          $0.offset % 3 == 0 ? MaskTransform.RecordType.question : 0
        }
        func ask() {
          guard peer.canWrite else { return }
          expectNoError { try peer.write(questions) { if case .success = $0 { ask() } } }
        }
        ask()
        masked.begin(MaskTransform(mask: 17), within: nil) { _ in
          masked.start(
            .init(
              onData: { _, _ in },
              onClose: { _, reason in
                #expect(reason.error?.code == .noBufferSpace)
                calls.record("closed")
                peer.close()
              }))
        }
      }
      calls.expect(["closed"])
    }
  }

  @Test func `drain and the hard limit hold for what the program writes`() throws {
    try LoopHarness.run { loop, calls in
      let limits = StreamConnection.WriteLimits(
        highWaterMark: 100_000, lowWaterMark: 10_000, maximumPendingBytes: 8_000_000)
      try withMaskedPair(on: loop, limits: limits) { connected, accepted in
        var received = 0
        var written = 0
        accepted.start(
          .init(
            onData: { _, bytes in received += bytes.byteCount },
            onEnd: { accepted in
              #expect(received == written)
              accepted.close()
            }))
        accepted.pauseReading()
        connected.start(
          .init(
            onData: { _, _ in },
            onDrain: { connected in
              calls.record("drained")
              connected.closeGracefully()
            }))
        let piece = [UInt8](repeating: 7, count: 500_000)
        while true {
          do throws(UVError) {
            try connected.write(piece)
            written += piece.count
          } catch {
            #expect(error.code == .noBufferSpace)
            break
          }
        }
        #expect(!connected.isWritable)
        #expect(written == 7_500_000)
        accepted.resumeReading()
      }
      calls.expect(["drained"])
    }
  }
}
