import Testing
import UVNet
import UVNetTestKit

@Suite struct TCPConnectTests {
  @Test func `connecting calls back later, with a connection that knows both ends`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          #expect(connection.remoteAddress?.port == peer.port)
          #expect(connection.localAddress?.isLoopback == true)
          connection.close()
          #expect(connection.remoteAddress?.port == peer.port)
          #expect(connection.localAddress == nil)
        }
        calls.record("connected")
      }
      calls.record("asked")
      calls.expect(["asked", "connected"])
    }
  }

  @Test func `a refused connection is told once`() throws {
    try LoopHarness.run { loop, calls in
      let port = try RawSocket.listen().port  // closed again at once
      TCPConnection.connect(to: SocketAddress(.loopback, port: port), on: loop) { result in
        #expect(result.failureCode == .connectionRefused)
        calls.record("refused")
      }
      calls.expect(["refused"])
    }
  }

  @Test func `an address without a route is told later, like any failure`() throws {
    try LoopHarness.run { loop, calls in
      // A multicast address cannot be connected to; the system says so at once.
      let address = SocketAddress(try IPAddress("224.0.0.1"), port: 9)
      TCPConnection.connect(to: address, on: loop) { result in
        #expect(result.failureCode != nil)
        calls.record("failed")
      }
      calls.record("asked")
      calls.expect(["asked", "failed"])
    }
  }

  @Test func `a connection that nobody answers times out`() throws {
    try LoopHarness.run { loop, calls in
      let full = try SilentListener()
      TCPConnection.connect(to: full.address, on: loop, timeout: .milliseconds(20)) { result in
        #expect(result.failureCode == .timedOut)
        calls.record("timed out")
        withExtendedLifetime(full) {}
      }
      calls.expect(["timed out"])
    }
  }

  @Test func `cancelling while connecting is told once, as cancelled`() throws {
    try LoopHarness.run { loop, calls in
      let full = try SilentListener()
      let attempt = TCPConnection.connect(to: full.address, on: loop) { result in
        #expect(result.failureCode == .canceled)
        calls.record("cancelled")
        withExtendedLifetime(full) {}
      }
      attempt.cancel()
      attempt.cancel()
      calls.record("asked")
      calls.expect(["asked", "cancelled"])
    }
  }

  @Test func `cancelling after the connection was made does nothing`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      var attempt: ConnectAttempt?
      attempt = TCPConnection.connect(
        to: SocketAddress(.loopback, port: peer.port), on: loop
      ) { result in
        attempt?.cancel()
        expectNoError {
          let connection = try result.get()
          #expect(!connection.isClosing)
          connection.close()
        }
        withExtendedLifetime(peer) {}
        calls.record("connected")
      }
      calls.expect(["connected"])
    }
  }
}

@Suite struct TCPConnectionTests {
  @Test func `callbacks come in order: data, end, write completion, close`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { accepted, bytes in
              calls.record("data \(bytes.byteCount)")
              #expect(accepted.bytesRead == 5)
            },
            onEnd: { accepted in
              calls.record("end")
              #expect(accepted.endReceived)
              expectNoError {
                try accepted.write("bye") { result in
                  expectNoError { try result.get() }
                  calls.record("written")
                  accepted.closeGracefully()
                }
              }
            },
            onClose: { accepted, reason in
              #expect(reason == .peer)
              #expect(accepted.bytesWritten == 3)
              calls.record("closed")
            }))
        connected.start(.init(onData: { _, bytes in #expect(bytes.array == Array("bye".utf8)) }))
        expectNoError { try connected.write("hello") }
        connected.shutdown()
      }
      calls.expect(["data 5", "end", "written", "closed"])
    }
  }

  @Test func `what one callback writes leaves in one piece`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(onData: { accepted, bytes in
            calls.record(String(decoding: bytes.array, as: UTF8.self))
            accepted.close()
          }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError {
          try connected.write("a")
          try connected.write(Array("bc".utf8))
          try connected.write(Array("def".utf8).span.bytes)
          try connected.write([])
        }
        #expect(connected.pendingBytes == 6)
        #expect(connected.bytesWritten == 0)
      }
      calls.expect(["abcdef"])
    }
  }

  @Test func `a graceful close after a shutdown waits for the peer's end`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { _, _ in },
            onEnd: { accepted in
              calls.record("end")
              accepted.close()
            }))
        connected.start(
          .init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
        connected.shutdown()
        connected.closeGracefully(within: .seconds(60))
      }
      calls.expect(["end", "closed"])
    }
  }

  @Test(arguments: [[60_000, 1], [1, 60_000]])
  func `of two graceful closings the shorter deadline holds`(milliseconds: [Int]) throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        // It does not end its own stream when it hears of the other's end.
        connected.start(
          .init(
            onData: { _, _ in }, onEnd: { _ in },
            onClose: { _, _ in calls.record("closed") }))
        accepted.start(
          .init(
            onData: { _, _ in },
            onClose: { _, _ in
              calls.record("given up")
              connected.close()
            }))
        for deadline in milliseconds { accepted.closeGracefully(within: .milliseconds(deadline)) }
      }
      calls.expect(["given up", "closed"])
    }
  }

  @Test func `without an end handler the connection closes when the peer ends`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { _, _ in },
            onClose: { _, reason in
              #expect(reason == .peer)
              calls.record("closed")
            }))
        connected.start(.init(onData: { _, _ in }))
        connected.shutdown()
        connected.shutdown()
      }
      calls.expect(["closed"])
    }
  }

  @Test func `a half-closed connection still carries the other direction`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { _, _ in },
            onEnd: { accepted in
              LoopTimer.after(.milliseconds(2), on: loop) { _ in
                expectNoError { try accepted.write("late") }
                accepted.closeGracefully()
              }
            }))
        connected.start(
          .init(
            onData: { _, bytes in calls.record("got \(bytes.byteCount)") },
            onClose: { _, reason in
              #expect(reason == .peer)
              calls.record("closed")
            }))
        connected.shutdown()
        #expect(!connected.isWritable)
        let error = #expect(throws: UVError.self) { try connected.write("x") }
        #expect(error?.code == .brokenPipe)
      }
      calls.expect(["got 4", "closed"])
    }
  }

  @Test func `a reset is told as the failure of what met it`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { _, _ in },
            onClose: { accepted, reason in
              #expect(reason == .failed(UVError(.connectionReset, during: .read)))
              #expect(accepted.closeReason == reason)
              calls.record("reset")
            }))
        connected.start(
          .init(onData: { _, _ in }, onClose: { _, reason in #expect(reason == .local) }))
        connected.reset()
      }
      calls.expect(["reset"])
    }
  }

  @Test func `a reset while a shutdown is under way is a close at least`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        connected.start(
          .init(
            onData: { _, _ in },
            onClose: { _, reason in
              #expect(reason == .local)
              calls.record("closed")
            }))
        accepted.start(
          .init(
            onData: { _, _ in
              calls.record("reset")
              connected.reset()
            },
            onEnd: { accepted in accepted.close() },
            onClose: { _, _ in calls.record("other closed") }))
        // From a timer both leave right before the poll: the byte arrives before libuv tells that
        // the shutdown is done, and until then it refuses to reset.
        LoopTimer.after(.milliseconds(1), on: loop) { _ in
          expectNoError { try connected.write("x") }
          connected.shutdown()
        }
      }
      calls.expect(["reset", "closed", "other closed"])
    }
  }

  @Test func `a descriptor that the loop has already is not adopted twice`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      let descriptor = try RawSocket.connect(port: peer.port).release()
      let connection = try TCPConnection.adopt(descriptor: descriptor, on: loop)
      connection.start(
        .init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
      let error = #expect(throws: UVError.self) {
        try TCPConnection.adopt(descriptor: descriptor, on: loop)
      }
      #expect(error?.operation == .open)
      connection.close()
      calls.expect(["closed"])
    }
  }

  @Test func `writing to a peer that has reset ends the connection and not the process`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        guard let connection = try? result.get() else { return }
        expectNoError { try peer.accept().reset() }
        // Not reading yet, so only the writes can meet the reset.
        for _ in 0..<3 {
          expectNoError {
            try connection.write("x") { result in
              if case .failure(let error) = result { calls.record("write \(error.operation)") }
            }
          }
        }
        connection.start(
          .init(
            onData: { _, _ in },
            onClose: { _, reason in
              guard reason.error != nil else { return calls.record("\(reason)") }
              calls.record("closed")
            }))
      }
      calls.expect(["write write", "write write", "write write", "closed"])
    }
  }

  @Test func `paused reading delivers nothing, and everything after it is resumed`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(
            onData: { accepted, bytes in
              #expect(!accepted.isReadingPaused)
              calls.record(String(decoding: bytes.array, as: UTF8.self))
            },
            onEnd: { accepted in
              calls.record("end")
              accepted.close()
            }))
        accepted.pauseReading()
        connected.start(.init(onData: { _, _ in }))
        expectNoError {
          try connected.write("hello") { _ in
            LoopTimer.after(.milliseconds(5), on: loop) { _ in
              calls.record("resume")
              accepted.resumeReading()
              connected.closeGracefully()
            }
          }
        }
      }
      calls.expect(["resume", "hello", "end"])
    }
  }

  @Test func `reading that is paused in the data callback stops there`() throws {
    try LoopHarness.run { loop, calls in
      var isPaused = false
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(onData: { accepted, bytes in
            #expect(!isPaused)
            isPaused = true
            accepted.pauseReading()
            LoopTimer.after(.milliseconds(2), on: loop) { _ in
              isPaused = false
              guard accepted.bytesRead == 200_000 else { return accepted.resumeReading() }
              calls.record("all")
              accepted.close()
            }
          }))
        connected.start(.init(onData: { _, _ in }))
        expectNoError {
          try connected.write([UInt8](repeating: 7, count: 200_000))
        }
      }
      calls.expect(["all"])
    }
  }

  @Test func `urgent data is left out and does not disturb the stream`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          let script = try peer.accept()
          var received: [UInt8] = []
          connection.start(
            .init(
              onData: { _, bytes in received += bytes.array },
              onEnd: { connection in
                calls.record(String(decoding: received, as: UTF8.self))
                connection.close()
                withExtendedLifetime(script) {}
              }))
          try script.send(Array("ab".utf8))
          try script.sendUrgent(UInt8(ascii: "!"))
          try script.send(Array("cd".utf8))
          script.shutdownWrite()
        }
      }
      calls.expect(["abcd"])
    }
  }
}

@Suite struct CloseTests {
  @Test func `close is idempotent, legal in every callback, and told once and last`() throws {
    for place in ["data", "end", "completion", "close"] {
      try LoopHarness.run { loop, calls in
        try loop.withConnectedPair { connected, accepted in
          func closeAt(_ here: String) {
            guard here == place else { return }
            accepted.close()
            accepted.close()
          }
          accepted.start(
            .init(
              onData: { accepted, _ in
                #expect(!accepted.isClosing)
                closeAt("data")
                guard !accepted.isClosing else { return }
                expectNoError {
                  try accepted.write("answer") { _ in closeAt("completion") }
                }
              },
              onEnd: { accepted in
                #expect(place != "data" && place != "completion")
                closeAt("end")
                accepted.close()
              },
              onClose: { _, _ in
                closeAt("close")
                calls.record("closed")
              }))
          connected.start(.init(onData: { _, _ in }))
          expectNoError { try connected.write("question") }
          connected.closeGracefully()
        }
        calls.expect(["closed"])
      }
    }
  }

  @Test func `after a close nothing is accepted and nothing called`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        connected.close()
        accepted.start(.init(onData: { _, _ in Issue.record("nothing was sent") }))
        accepted.close()
        let error = #expect(throws: UVError.self) {
          try accepted.write("x") { _ in Issue.record("the call threw") }
        }
        #expect(error?.code == .badDescriptor)
        accepted.shutdown()
        accepted.closeGracefully()
        accepted.pauseReading()
        accepted.resumeReading()
        accepted.reset()
        #expect(throws: UVError.self) { try accepted.setOptions(.init()) }
        calls.record("done")
      }
      calls.expect(["done"])
    }
  }

  @Test func `a handler set after the close still hears of it`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.close()
        accepted.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
        connected.close()
      }
      calls.expect(["closed"])
    }
  }

  @Test func `writes that a close gives up fail as cancelled, before the close is told`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        connected.start(
          .init(
            onData: { _, _ in },
            onClose: { connected, _ in
              #expect(connected.pendingBytes > 0)
              #expect(connected.bytesWritten < 8 << 20)
              calls.record("closed")
              accepted.close()
            }))
        expectNoError {
          try connected.write([UInt8](repeating: 1, count: 8 << 20)) { result in
            #expect(result == .failure(UVError(.canceled, during: .write)))
            calls.record("given up")
          }
        }
        LoopTimer.after(.milliseconds(5), on: loop) { _ in connected.close() }
      }
      calls.expect(["given up", "closed"])
    }
  }

  @Test func `closures are dropped after the close, so that no cycle survives`() throws {
    final class Session {
      let connection: TCPConnection
      init(_ connection: TCPConnection) {
        self.connection = connection
        connection.start(
          .init(
            onData: { _, _ in withExtendedLifetime(self) {} },
            onEnd: { _ in self.connection.close() },
            onDrain: { _ in withExtendedLifetime(self) {} },
            onClose: { _, _ in withExtendedLifetime(self) {} }))
      }
    }
    weak var session: Session?
    weak var handle: TCPConnection?
    try LoopHarness.run { loop, _ in
      try loop.withConnectedPair { connected, accepted in
        let made = Session(accepted)
        session = made
        handle = accepted
        #expect(session != nil)
        connected.close()
      }
    }
    #expect(session == nil)
    #expect(handle == nil)
  }

  @Test func `a graceful close delivers everything, then waits for the peer's end`() throws {
    try LoopHarness.run { loop, calls in
      let total = 3 << 20
      try loop.withConnectedPair { connected, accepted in
        var received = 0
        accepted.start(
          .init(
            onData: { accepted, bytes in
              received += bytes.byteCount
              if received == total { calls.record("all") }
            },
            onEnd: { accepted in
              // More input for the closing side, which throws it away.
              expectNoError { try accepted.write("unread") }
              accepted.closeGracefully()
            }))
        connected.start(
          .init(
            onData: { _, _ in Issue.record("input of a closing connection is thrown away") },
            onClose: { _, reason in
              #expect(reason == .local)
              calls.record("closed")
            }))
        expectNoError { try connected.write([UInt8](repeating: 1, count: total)) }
        connected.closeGracefully()
        connected.closeGracefully()
        #expect(connected.closeReason == nil)
      }
      calls.expect(["all", "closed"])
    }
  }

  @Test func `a graceful close ends at its deadline, however the peer behaves`() throws {
    try LoopHarness.run { loop, calls in
      let peer = try RawSocket.listen()
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        guard let connection = try? result.get(), let silent = try? peer.accept() else { return }
        connection.start(
          .init(
            onData: { _, _ in },
            onClose: { _, _ in
              calls.record("closed")
              withExtendedLifetime(silent) {}
            }))
        connection.closeGracefully(within: .milliseconds(10))
      }
      calls.expect(["closed"])
    }
  }

  @Test func `dropping the last reference with I/O pending closes nothing`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(
          .init(onData: { accepted, bytes in
            calls.record("data")
            accepted.close()
          }))
        connected.start(.init(onData: { _, _ in }))
        LoopTimer.after(.milliseconds(5), on: loop) { [weak connected] _ in
          expectNoError { try connected?.write("still here") }
        }
      }
      calls.expect(["data"])
    }
  }
}

extension Result where Failure == UVError {
  var failureCode: UVError.Code? { failure?.code }

  var failure: UVError? {
    if case .failure(let error) = self { error } else { nil }
  }
}

extension Result where Success == Void, Failure == UVError {
  static func == (lhs: Self, rhs: Self) -> Bool {
    switch (lhs, rhs) {
    case (.success, .success): true
    case (.failure(let lhs), .failure(let rhs)): lhs == rhs
    default: false
    }
  }
}

/// A listener whose backlog is full, so that the next connection is neither made nor refused.
final class SilentListener {
  let address: SocketAddress
  private let listener: RawSocket
  private var fillers: [Int32] = []

  init() throws {
    listener = try RawSocket.listen(backlog: 0)
    address = SocketAddress(.loopback, port: listener.port)
    for _ in 0..<8 { fillers.append(listener.beginConnecting()) }
  }

  deinit { for descriptor in fillers { close(descriptor) } }

  #if os(Linux)
    @Test func `a connection whose two ends are the same is refused, and its port is free at once`()
      throws
    {
      // An address of this machine's that no other test uses, so that its ports stay free.
      let address = SocketAddress(try IPAddress("127.0.0.77"), port: 40_077)
      try LoopHarness.run { loop, calls in
        TCPConnection.connect(to: address, from: address, on: loop) { result in
          switch result {
          case .success(let connection):
            calls.record("connected to itself")
            connection.close()
          case .failure(let error):
            calls.record(error.name)
            expectNoError { try TCPListener.listen(at: address, on: loop) { _, _ in }.close() }
          }
        }
        calls.expect(["ECONNREFUSED"])
      }
    }
  #endif

  @Test func `the address to connect from can be chosen, and one that is not ours is an error`()
    throws
  {
    try LoopHarness.run { loop, calls in
      let listener = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) {
        listener, accepted in
        #expect(accepted.remoteAddress?.address == .loopback)
        calls.record("accepted")
        accepted.close()
        listener.close()
      }
      let target = listener.localAddress
      TCPConnection.connect(
        to: target, from: SocketAddress(try IPAddress("192.0.2.1"), port: 0), on: loop
      ) {
        result in
        #expect(throws: UVError.self) { try result.get() }
        TCPConnection.connect(to: target, from: SocketAddress(.loopback, port: 0), on: loop) {
          result in
          expectNoError { try result.get().close() }
        }
      }
      calls.expect(["accepted"])
    }
  }
}
