import Synchronization
import Testing
import UVNet
import UVNetTestKit

/// Connections that go from one loop to another.
@Suite struct DetachTests {
  static let anyPort = SocketAddress(.loopback, port: 0)

  @Test func `connections that one loop accepts are served on others`() throws {
    let workers = try (0..<2).map { try LoopThread(name: "worker \($0)") }
    let served = Mutex<[Int]>([0, 0])
    let peers = 6
    try LoopHarness.run { loop, calls in
      var next = 0
      // Until the others have served all.
      let keepAlive = LoopBound(
        LoopTimer.every(.seconds(100), on: loop) { _ in }, to: loop)
      let remote = loop.remote
      let listener = try TCPListener.listen(at: Self.anyPort, on: loop) { listener, connection in
        connection.start(
          .init(
            onData: { _, _ in Issue.record("it is another loop's to read") },
            onClose: { _, reason in calls.record("\(reason)") }))
        let number = next % workers.count
        next += 1
        expectNoError {
          let socket = try connection.detach()
          let accepted = workers[number].remote.execute { loop in
            expectNoError {
              try TCPConnection.adopt(socket, on: loop).start(
                .init(
                  onData: { connection, bytes in expectNoError { try connection.write(bytes) } },
                  onClose: { _, _ in
                    let sum = served.withLock { served in
                      served[number] += 1
                      return served.reduce(0, +)
                    }
                    guard sum == peers else { return }
                    remote.execute { keepAlive.value(on: $0).cancel() }
                  }))
            }
          }
          #expect(accepted)
        }
        if next == peers { listener.close() }
      }
      let port = listener.localAddress.port
      Thread.detach {
        expectNoError {
          for _ in 0..<peers {
            let peer = try RawSocket.connect(port: port)
            try peer.send([1, 2, 3])
            #expect(try peer.receive(3) == [1, 2, 3])
            peer.shutdownWrite()
            #expect(try peer.receiveToEnd().isEmpty)
            peer.close()
          }
        }
      }
      calls.expect(Array(repeating: "detached", count: peers))
    }
    for worker in workers {
      worker.stop()
      worker.join()
    }
    #expect(served.withLock { $0 } == [3, 3])
  }

  @Test func `what was read is the program's to hand over, and what comes next is read there`()
    throws
  {
    let worker = try LoopThread(name: "worker")
    let peer = try RawSocket.listen()
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let far = try peer.accept()
          try result.get().start(
            .init(
              onData: { connection, bytes in
                let rest = [UInt8](bytes)
                expectNoError {
                  // Leaves before the hand-over, in order.
                  try connection.write("one ")
                  let socket = try connection.detach()
                  #expect(connection.isClosing)
                  #expect(throws: UVError.self) { try connection.write("lost") }
                  #expect(throws: UVError.self) { _ = try connection.detach() }
                  try far.send(Array(" world".utf8))
                  worker.remote.execute { loop in
                    expectNoError {
                      let connection = try TCPConnection.adopt(socket, on: loop)
                      var text = rest
                      connection.start(
                        .init(onData: { connection, bytes in
                          text += [UInt8](bytes)
                          guard text.count == 11 else { return }
                          expectNoError { try connection.write(text) }
                          connection.closeGracefully()
                        }))
                      try connection.write("two ")
                    }
                  }
                }
              },
              onClose: { _, reason in
                calls.record("\(reason)")
                expectNoError {
                  let received = try far.receiveToEnd()
                  #expect(String(decoding: received, as: UTF8.self) == "one two hello world")
                }
              }))
          try far.send(Array("hello".utf8))
        }
      }
      calls.expect(["detached"])
    }
    worker.stop()
    worker.join()
  }

  @Test func `the end of a stream that was ended before is told anew`() throws {
    let peer = try RawSocket.listen()
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let far = try peer.accept()
          far.shutdownWrite()
          try result.get().start(
            .init(
              onData: { _, _ in },
              onEnd: { connection in
                calls.record("end")
                expectNoError {
                  let adopted = try TCPConnection.adopt(connection.detach(), on: loop)
                  adopted.start(
                    .init(
                      onData: { _, _ in },
                      onEnd: {
                        calls.record("end again")
                        $0.close()
                        far.close()
                      }))
                }
              }))
        }
      }
      calls.expect(["end", "end again"])
    }
  }

  @Test func `with bytes that the kernel does not take it is refused, and works at the drain`()
    throws
  {
    let peer = try RawSocket.listen()
    let count = 8 << 20
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          let far = try peer.accept()
          connection.start(
            .init(
              onData: { _, _ in },
              onClose: { _, reason in calls.record("\(reason)") }))
          try connection.write([UInt8](repeating: 7, count: count)) { result in
            expectNoError {
              try result.get()
              calls.record("written")
              #expect(try connection.detach().take() != nil)
            }
          }
          let error = #expect(throws: UVError.self) { try connection.detach() }
          #expect(error?.code == .busy)
          #expect(!connection.isClosing)
          nonisolated(unsafe) let reader = far
          Thread.detach {
            expectNoError {
              let bytes = try reader.receive(count)
              #expect(bytes.count == count)
            }
          }
        }
      }
      calls.expect(["written", "detached"])
    }
  }

  @Test func `a socket is taken once, and one that nobody takes is closed`() throws {
    let peer = try RawSocket.listen()
    try LoopHarness.run { loop, calls in
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          let far = try peer.accept()
          do {
            let socket = try connection.detach()
            let adopted = try TCPConnection.adopt(socket, on: loop)
            #expect(socket.take() == nil)
            let error = #expect(throws: UVError.self) {
              try TCPConnection.adopt(socket, on: loop)
            }
            #expect(error?.code == .badDescriptor)
            _ = try adopted.detach()
          }
          loop.nextTick {
            expectNoError {
              let rest = try far.receiveToEnd()
              #expect(rest.isEmpty)
            }
            calls.record("closed")
          }
        }
      }
      calls.expect(["closed"])
    }
  }

  @Test func `a Unix connection goes to another loop as well`() throws {
    let worker = try LoopThread(name: "worker")
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, streamSocket, 0, &ends) == 0)
    let far = ends[1]
    try LoopHarness.run { loop, calls in
      let socket = try UnixConnection.adopt(descriptor: ends[0], on: loop).detach()
      worker.remote.execute { loop in
        expectNoError {
          try UnixConnection.adopt(socket, on: loop).start(
            .init(onData: { connection, bytes in expectNoError { try connection.write(bytes) } }))
        }
      }
      var bytes: [UInt8] = [1, 2, 3]
      #expect(write(far, bytes, 3) == 3)
      bytes = [0, 0, 0]
      #expect(read(far, &bytes, 3) == 3)
      #expect(bytes == [1, 2, 3])
      calls.record("echoed")
      calls.expect(["echoed"])
    }
    close(far)
    worker.stop()
    worker.join()
  }

  @Test func `a connection that has ended its stream cannot be detached`() throws {
    try LoopHarness.run { loop, calls in
      try loop.withConnectedPair { connected, accepted in
        accepted.start(.init(onData: { _, _ in }))
        connected.shutdown()
        let error = #expect(throws: UVError.self) { try connected.detach() }
        #expect(error?.code == .brokenPipe)
        calls.record("refused")
        connected.close()
      }
      calls.expect(["refused"])
    }
  }
}
