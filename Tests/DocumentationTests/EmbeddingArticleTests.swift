import Testing
import UVNet
import UVNetTestKit

/// The code of the articles "Embedding" and "Threading" that is in no example.
@Suite struct EmbeddingArticleTests {
  @Test func `embedding: turns until an answer is there`() throws {
    let loop = try EventLoop()
    var answer: Int?
    LoopTimer.after(.milliseconds(1), on: loop) { _ in answer = 42 }
    while answer == nil, loop.runOnce() {}
    #expect(answer == 42)
    loop.endAndClose()
  }

  @Test func `embedding: what a loop has done is reported`() throws {
    let loop = try EventLoop()
    var reported: [String: UInt64] = [:]
    func report(_ name: String, _ value: UInt64) { reported[name] = value }
    loop.measuresCallbacks = true
    LoopTimer.every(.seconds(10), on: loop) { _ in
      let counters = loop.counters
      report("turns", counters.turns)
      report("connections", UInt64(counters.openHandles["TCPConnection", default: 0]))
      report("bytes read", counters.bytesRead)
      if let longest = counters.longestCallback {
        report("longest callback, ms", UInt64(longest / .milliseconds(1)))
        loop.resetLongestCallback()
      }
    }
    // It would be called in ten seconds.
    #expect(loop.counters.longestCallback == .zero)
    #expect(reported.isEmpty)
    loop.endAndClose()
  }

  @Test func `threading: a connection is handed to another loop`() throws {
    let worker = try LoopThread(name: "worker")
    let peer = try RawSocket.listen()
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        do {
          let connection = try result.get()
          let far = try peer.accept()
          let handlers: @Sendable (EventLoop) -> TCPConnection.Handlers = { _ in
            .init(onData: { connection, bytes in
              do { try connection.write(bytes) } catch { connection.close() }
            })
          }
          try handOver(connection, to: worker, handlers)
          try far.send([1, 2, 3])
          let echoed = try far.receive(3)
          #expect(echoed == [1, 2, 3])
          calls.record("echoed")
        } catch {
          Issue.record(error)
        }
      }
      calls.expect(["echoed"])
    }
    worker.stop()
    worker.join()
  }

  private func handOver(
    _ connection: TCPConnection, to worker: LoopThread,
    _ makeHandlers: @escaping @Sendable (EventLoop) -> TCPConnection.Handlers
  ) throws {
    @Sendable func handlers(for loop: EventLoop) -> TCPConnection.Handlers { makeHandlers(loop) }
    let socket = try connection.detach()
    worker.remote.execute { loop in
      do {
        try TCPConnection.adopt(socket, on: loop).start(handlers(for: loop))
      } catch {
        print("not served: \(error)")
      }
    }
  }
}
