import Testing
import UVNet
import UVNetTestKit

/// Runs the code of UVNet's articles; scripts/ci/check-documentation holds the two alike.
///
/// One after the other: two of them wait for tasks, whose pool may have two threads only.
@Suite(.serialized) struct UVNetArticleTests {
  /// A server on a free port that sends back what comes, until its first connection has ended.
  static func listenOnce(on loop: EventLoop) throws -> TCPListener {
    try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) {
      listener, connection in
      listener.close()
      connection.start(
        .init(onData: { connection, bytes in
          do { try connection.write(bytes) } catch { Issue.record(error) }
        }))
    }
  }

  @Test func `getting started: a client`() throws {
    try LoopHarness.run { loop, calls in
      let address = try Self.listenOnce(on: loop).localAddress
      func print(_ text: String) { calls.record(text) }
      TCPConnection.connect(to: address, on: loop, timeout: .seconds(2)) { result in
        do {
          let connection = try result.get()
          connection.start(
            .init(onData: { connection, bytes in
              print("\(bytes.byteCount) bytes came back")
              connection.closeGracefully()
            }))
          try connection.write("hello")
        } catch {
          print("no connection: \(error)")
        }
      }
      calls.expect(["5 bytes came back"])
    }
  }

  @Test func `getting started: an error that is known to be the library's`() throws {
    try LoopHarness.run { loop, calls in
      func print(_ text: String) { calls.record(text) }
      try loop.withConnectedPair { peer, connection in
        peer.start(.init(onData: { _, _ in }))
        do { try peer.write("x") } catch { Issue.record(error) }
        connection.shutdown()
        connection.start(
          .init(
            onData: { connection, bytes in
              do throws(UVError) {
                try connection.write(bytes)
              } catch {
                print("not written: \(error.code.name)")
                connection.close()
              }
            }
          ))
      }
      calls.expect(["not written: EPIPE"])
    }
  }

  @Test func `threading: another thread comes back to a connection`() throws {
    // Far off, for tests that block may keep the pool of tasks busy for long.
    try LoopHarness.run(watchdog: .seconds(600)) { loop, calls in
      try loop.withConnectedPair { peer, connection in
        peer.start(
          .init(onData: { peer, bytes in
            calls.record(String(decoding: bytes))
            peer.closeGracefully()
          }))
        do { try peer.write("loud") } catch { Issue.record(error) }
        connection.start(
          .init(
            onData: { connection, bytes in
              let question = String(decoding: bytes)
              let bound = LoopBound(connection)
              Task.detached {
                let answer = question.uppercased()
                bound.remote.execute { loop in
                  do { try bound.value(on: loop).write(answer) } catch { print("gone: \(error)") }
                }
              }
            }
          ))
      }
      calls.expect(["LOUD"])
    }
  }

  @Test func `getting started: a name is looked up`() throws {
    try LoopHarness.run { loop, calls in
      func print(_ text: String) { calls.record(String(text.prefix(5))) }
      Resolver.resolve("localhost", port: 7007, on: loop) { result in
        switch result {
        case .success(let addresses): print("found \(addresses)")
        case .failure(let error): print("\(error)")
        }
      }
      calls.expect(["found"])
    }
  }

  @Test func `getting started: a server that ends itself on a signal`() throws {
    let loop = try EventLoop()
    let listener = try Self.listenOnce(on: loop)
    LoopTimer.after(.milliseconds(1), on: loop) { _ in sendTermination() }
    let start = loop.now
    try SignalSource.on(.terminate, on: loop) { _ in
      listener.close()
      LoopTimer.after(.seconds(5), on: loop) { _ in loop.end() }.keepsLoopAlive = false
    }
    loop.run()
    loop.endAndClose()
    #expect(start.duration(to: loop.now) < .seconds(5))
  }

  @Test func `lifetimes: closing twice, and the reason`() throws {
    try LoopHarness.run { loop, calls in
      func print(_ text: String) { calls.record(text) }
      try loop.withConnectedPair { peer, connection in
        peer.start(.init(onData: { _, _ in }))
        do { try peer.write("x") } catch { Issue.record(error) }
        connection.start(
          .init(
            onData: { connection, _ in
              connection.close()
              connection.close()  // Once is enough; twice does no harm.
            },
            onClose: { _, reason in
              switch reason {
              case .local: print("we closed it")
              case .peer: print("the peer ended its stream, then we closed")
              default: print("it ended by this: \(reason)")
              }
            }))
      }
      calls.expect(["we closed it"])
    }
  }

  @Test func `lifetimes: a loop names what is left open`() throws {
    var printed: [String] = []
    func print(_ error: UVError) { printed.append("\(error)") }
    let loop = try EventLoop()
    let listener = try Self.listenOnce(on: loop)
    do {
      try loop.close()
    } catch {
      print(error)  // closeLoop: resource busy or locked (EBUSY): TCPListener 127.0.0.1:7007
      loop.endAndClose()
    }
    let text = "closeLoop: resource busy or locked (EBUSY): TCPListener \(listener.localAddress)"
    #expect(printed == [text])
  }

  @Test func `backpressure: a producer goes on at the drain`() throws {
    try LoopHarness.run { loop, calls in
      var received = 0
      try loop.withConnectedPair { connection, peer in
        peer.start(.init(onData: { _, bytes in received += bytes.byteCount }))
        var source = (repeatElement([UInt8](repeating: 0, count: 4096), count: 1000)).makeIterator()
        func produce(on connection: StreamConnection) {
          do {
            while connection.isWritable, let piece = source.next() { try connection.write(piece) }
          } catch {
            connection.close()
          }
        }
        connection.start(.init(onData: { _, _ in }, onDrain: { produce(on: $0) }))
        produce(on: connection)
        #expect(connection.pendingBytes < 65536 + 4096 + 1)
        LoopTimer.every(.milliseconds(1), on: loop) { timer in
          guard received == 4_096_000 else { return }
          calls.record("all")
          timer.cancel()
          connection.closeGracefully()
        }
      }
      calls.expect(["all"])
    }
  }

  @Test func `threading: another thread has work done on the loop`() throws {
    // What is captured by the body must be Sendable, so this test cannot record the print.
    let loop = try EventLoop()
    let start = loop.now
    let remote = loop.remote
    LoopTimer.after(.seconds(600), on: loop) { _ in print("no answer in time") }
    Task.detached {
      let answer = (1...1000).reduce(0, +)
      remote.execute { loop in
        print("the answer is \(answer)")
        loop.end()
      }
    }
    loop.run()
    try loop.close()
    // Far off, for tests that block may keep the pool of tasks busy for long.
    #expect(start.duration(to: loop.now) < .seconds(600))
  }

  @Test func `the test kit's own example`() throws {
    try LoopHarness.run { loop, calls in
      LoopTimer.after(.milliseconds(1), on: loop) { _ in calls.record("fired") }
      calls.expect(["fired"])
    }
  }
}
