import Testing
import UVNet
import UVNetTestKit

/// Runs the code in documentation comments; scripts/ci/check-documentation holds the two alike.
@Suite struct CommentTests {
  @Test func `a UDP socket that sends back what comes`() throws {
    try LoopHarness.run { loop, calls in
      let socket = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      socket.start(
        .init(onDatagram: { socket, bytes, origin in
          _ = try? socket.send(bytes, to: origin.sender)
        }))
      let client = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      client.start(
        .init(onDatagram: { client, bytes, origin in
          calls.record("\(bytes.byteCount) bytes came back")
          client.close()
          socket.close()
        }))
      try client.send([1, 2, 3], to: socket.localAddress)
      calls.expect(["3 bytes came back"])
    }
  }

  @Test func `a loop on a thread of its own`() throws {
    let worker = try LoopThread(name: "worker")
    worker.remote.execute { loop in
      // On the worker's thread: make timers, listeners and connections on `loop`.
    }
    worker.stop()
    worker.join()
    #expect(!worker.remote.execute { _ in Issue.record("the loop is closed") })
  }
}
