import CLibUV
import Testing
import UVNetTestKit

@testable import UVNet

@Suite struct EnqueuedDatagramTests {
  private static let anywhere = SocketAddress(.loopback, port: 0)

  private func array(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

  private func socket(
    on loop: EventLoop, _ options: UDPSocket.Options = .init()
  ) throws -> UDPSocket {
    try UDPSocket.bind(to: Self.anywhere, on: loop, options: options)
  }

  /// A socket that closes itself and `others` after so many datagrams, and what it has received.
  private final class Receiver {
    let socket: UDPSocket
    var received: [[UInt8]] = []

    init(on loop: EventLoop, after count: Int, closing others: [UDPSocket]) throws {
      socket = try UDPSocket.bind(
        to: anywhere, on: loop, options: .init(receiveBufferBytes: 1 << 20))
      socket.start(
        .init(onDatagram: { [unowned self] socket, bytes, _ in
          received.append(bytes.withUnsafeBytes { Array($0) })
          guard received.count == count else { return }
          socket.close()
          for other in others { other.close() }
        }))
    }
  }

  @Test("what a callback enqueues leaves when it is over, whole, in order and to whom it is for")
  func addressesAndOrder() throws {
    try LoopHarness.run { loop, calls in
      let server = try UDPSocket.bind(to: SocketAddress(.anyIPv6, port: 0), on: loop)
      let port = server.localAddress.port
      let sizes = [0, 1, 1200, 20_000, 2]
      let bytes = { (size: Int, mark: UInt8) in [UInt8](repeating: mark, count: size) }
      let clients = try [SocketAddress(.loopback, port: 0), SocketAddress(.loopbackIPv6, port: 0)]
        .map { try UDPSocket.bind(to: $0, on: loop) }
      server.start(
        .init(onDatagram: { server, _, _ in
          for size in sizes {
            for (mark, client) in clients.enumerated() {
              expectNoError {
                let result = try server.enqueue(
                  bytes(size, UInt8(mark)), to: client.localAddress)
                #expect(result == .queued)
              }
            }
          }
          #expect(server.datagramsSent == 0)
          #expect(server.pendingDatagrams == 10 && server.pendingBytes == 2 * sizes.reduce(0, +))
          loop.nextTick {
            #expect(server.datagramsSent == 10 && server.pendingDatagrams == 0)
            calls.record("sent")
          }
        }))
      var open = clients.count
      for (mark, client) in clients.enumerated() {
        var received: [[UInt8]] = []
        client.start(
          .init(onDatagram: { client, datagram, origin in
            #expect(origin.sender == SocketAddress(client.localAddress.address, port: port))
            received.append(array(datagram))
            guard received.count == sizes.count else { return }
            #expect(received == sizes.map { bytes($0, UInt8(mark)) })
            client.close()
            open -= 1
            if open == 0 { server.close() }
          }))
      }
      try clients[0].send([1], to: SocketAddress(.loopback, port: port))
      calls.expect(["sent"])
    }
  }

  @Test("datagrams leave early where there are more than fit, by their number or by their bytes")
  func fullBuffer() throws {
    try LoopHarness.run { loop, _ in
      let sender = try socket(on: loop)
      let receiver = try Receiver(on: loop, after: 37, closing: [sender])
      let bytes = { (number: Int) in [UInt8](repeating: UInt8(number), count: number % 7) }
      for number in 0..<33 {
        #expect(sender.datagramsSent == 0)
        #expect(try sender.enqueue(bytes(number), to: receiver.socket.localAddress) == .queued)
      }
      #expect(sender.datagramsSent == 32 && sender.pendingDatagrams == 1)
      let long = [UInt8](repeating: 9, count: 32_768)
      for _ in 0..<2 {
        #expect(try sender.enqueue(long, to: receiver.socket.localAddress) == .queued)
      }
      #expect(sender.datagramsSent == 34)
      #expect(try sender.enqueue(long, to: receiver.socket.localAddress) == .queued)
      #expect(sender.datagramsSent == 34 && sender.pendingBytes == 65536)
      #expect(try sender.enqueue([7], to: receiver.socket.localAddress) == .queued)
      #expect(sender.datagramsSent == 36 && sender.pendingBytes == 1)
      loop.run()
      #expect(receiver.received == (0..<33).map(bytes) + [long, long, long, [7]])
    }
  }

  @Test("send, connect, options and close send first what was enqueued")
  func whatSendsFirst() throws {
    try LoopHarness.run { loop, _ in
      let sender = try socket(on: loop)
      let other = try socket(on: loop)
      let receiver = try Receiver(on: loop, after: 6, closing: [other])
      let address = receiver.socket.localAddress
      try sender.enqueue([1], to: address)
      #expect(try sender.send([2], to: address) == .sent)
      #expect(sender.datagramsSent == 2)
      try sender.enqueue([3], to: address)
      try sender.setTimeToLive(2)
      #expect(sender.datagramsSent == 3)
      try sender.connect(to: address)
      try sender.enqueue([4])
      try sender.connect(to: other.localAddress)
      #expect(sender.datagramsSent == 4)
      try sender.connect(to: address)
      try sender.enqueue([5])
      try sender.disconnect()
      #expect(sender.datagramsSent == 5)
      try sender.enqueue([6], to: address)
      sender.close()
      #expect(sender.datagramsSent == 6 && sender.datagramsDropped == 0)
      loop.run()
      #expect(receiver.received == [[1], [2], [3], [4], [5], [6]])
    }
  }

  @Test("what is enqueued outside of callbacks, in a timer and at the end of a run leaves too")
  func outsideOfCallbacks() throws {
    try LoopHarness.run { loop, _ in
      let sender = try socket(on: loop)
      let receiver = try socket(on: loop)
      try sender.enqueue([1], to: receiver.localAddress)
      #expect(loop.pollTimeout == .zero)
      loop.run()
      #expect(sender.datagramsSent == 1)
      LoopTimer.after(.milliseconds(1), on: loop) { _ in
        expectNoError { try sender.enqueue([2], to: receiver.localAddress) }
        loop.stop()
      }
      loop.run()
      #expect(sender.datagramsSent == 2)
      loop.nextTick { expectNoError { try sender.enqueue([3], to: receiver.localAddress) } }
      loop.run()
      #expect(sender.datagramsSent == 3)
      sender.close()
      receiver.close()
    }
  }

  @Test("a datagram that the system refuses is told of, and those beside it are sent")
  func refusedInTheMiddle() throws {
    try LoopHarness.run { loop, calls in
      let sender = try socket(on: loop)
      let receiver = try Receiver(on: loop, after: 3, closing: [sender])
      sender.start(
        .init(
          onDatagram: { _, _, _ in },
          onError: { _, error in
            #expect(error == UVError(.accessDenied, during: .send))
            calls.record("refused")
          }))
      let broadcast = try SocketAddress(parsing: "255.255.255.255:9")
      for (number, address) in [
        broadcast, receiver.socket.localAddress, broadcast, receiver.socket.localAddress,
        receiver.socket.localAddress, broadcast,
      ].enumerated() {
        #expect(try sender.enqueue([UInt8(number)], to: address) == .queued)
      }
      loop.run()
      #expect(receiver.received == [[1], [3], [4]])
      #expect(sender.datagramsSent == 3 && sender.datagramsDropped == 0)
      calls.expect(["refused", "refused", "refused"])
    }
  }

  @Test("what the kernel does not take waits in the queue behind what it took, and leaves in order")
  func kernelIsFull() throws {
    try LoopHarness.run { loop, calls in
      let sender = try socket(on: loop)
      let receiver = try Receiver(on: loop, after: 5, closing: [sender])
      let address = receiver.socket.localAddress
      sender.start(
        .init(
          onDatagram: { _, _, _ in },
          onError: { _, error in calls.record("\(error.code == .messageTooLong)") },
          onDrain: { _ in calls.record("drained") }))
      for number in 0..<8 { try sender.enqueue([UInt8(number)], to: address) }
      // The kernel takes 0 and 1, refuses 2, takes 3 and then no more.
      var answers: [(index: Int, answer: Int32)] = [
        (0, 2), (2, UV_EMSGSIZE.rawValue), (3, 1), (4, UV_EAGAIN.rawValue),
      ]
      sender.sendCollected { index, most in
        let next = answers.removeFirst()
        #expect(index == next.index && most > 1)
        return next.answer
      }
      #expect(answers.isEmpty)
      #expect(sender.datagramsSent == 3)
      #expect(sender.pendingDatagrams == 4 && sender.pendingBytes == 4)
      #expect(try sender.enqueue([8], to: address) == .queued)
      #expect(sender.datagramsSent == 3)
      loop.run()
      #expect(receiver.received == [[4], [5], [6], [7], [8]])
      #expect(sender.datagramsDropped == 0)
      calls.expect(["true", "drained"])
    }
  }

  @Test("the queue's limits hold for what is enqueued: it leaves early, waits, or is dropped")
  func limits() throws {
    try LoopHarness.run { loop, _ in
      let receiver = try socket(on: loop)
      let address = receiver.localAddress
      let none = try socket(on: loop, .init(sendLimits: .init(maximumDatagrams: 0)))
      #expect(try none.enqueue([1], to: address) == .sent)
      let few = try socket(
        on: loop, .init(sendLimits: .init(maximumBytes: 10, maximumDatagrams: 3)))
      #expect(try few.enqueue([UInt8](repeating: 1, count: 11), to: address) == .sent)
      for _ in 0..<2 { #expect(try few.enqueue([1, 2, 3, 4, 5], to: address) == .queued) }
      #expect(few.datagramsSent == 1)
      #expect(try few.enqueue([1], to: address) == .queued)
      #expect(few.datagramsSent == 3)
      for _ in 0..<2 { #expect(try few.enqueue([], to: address) == .queued) }
      few.sendCollected { _, _ in UV_EAGAIN.rawValue }
      #expect(few.pendingDatagrams == 3)
      #expect(try few.enqueue([], to: address) == .dropped)
      #expect(few.datagramsDropped == 1 && few.pendingDatagrams == 3)
      for open in [receiver, none, few] { open.close() }
      #expect(few.datagramsDropped == 4)
    }
  }

  @Test("on a connected socket one datagram after another is sent, and a refusal costs none")
  func connectedRefusal() throws {
    try LoopHarness.run { loop, calls in
      let sender = try socket(on: loop)
      try sender.connect(to: SocketAddress(.loopback, port: 9))
      sender.start(
        .init(
          onDatagram: { _, _, _ in },
          onError: { sender, error in
            #expect(error.code == .connectionRefused)
            calls.record("refused")
            sender.close()
          }))
      for number in 0..<3 { try sender.enqueue([UInt8(number)]) }
      var answers: [(index: Int, answer: Int32)] = [
        (0, 1), (1, UV_ECONNREFUSED.rawValue), (1, 1), (2, 1),
      ]
      sender.sendCollected { index, most in
        let next = answers.removeFirst()
        #expect(index == next.index && most == 1)
        return next.answer
      }
      #expect(answers.isEmpty && sender.datagramsSent == 3)
      calls.expect(["refused"])
    }
  }

  @Test("a connected socket hears that nobody listens where it has enqueued something to")
  func refusal() throws {
    try LoopHarness.run { loop, calls in
      let gone = try socket(on: loop)
      let peer = gone.localAddress
      gone.close()
      loop.run()
      let sender = try socket(on: loop)
      try sender.connect(to: peer)
      sender.start(
        .init(
          onDatagram: { _, _, _ in },
          onError: { sender, error in
            #expect(error.code == .connectionRefused)
            if !sender.isClosing { calls.record("refused") }
            sender.close()
          }))
      for _ in 0..<3 { try sender.enqueue([1]) }
      calls.expect(["refused"])
    }
  }

  @Test("several datagrams leave by one call of the system's")
  func oneCall() throws {
    try LoopHarness.run { loop, _ in
      let sender = try socket(on: loop)
      let receiver = try Receiver(on: loop, after: 3, closing: [sender])
      let datagrams = CollectedDatagrams()
      for number in 0..<4 {
        [UInt8(number)].withUnsafeBytes {
          datagrams.append($0, to: receiver.socket.localAddress)
        }
      }
      #expect(datagrams.send(from: 1, atMost: 32, by: sender.socket) == 3)
      #expect(datagrams.address(at: 2) == receiver.socket.localAddress)
      loop.run()
      #expect(receiver.received == [[1], [2], [3]])
    }
  }

  @Test("what cannot be enqueued is refused, with the reason")
  func refusedAtOnce() throws {
    try LoopHarness.run { loop, _ in
      let socket = try socket(on: loop)
      let code = { (bytes: [UInt8], address: SocketAddress?) -> UVError.Code? in
        do throws(UVError) {
          try socket.enqueue(bytes, to: address)
          return nil
        } catch { return error.code }
      }
      #expect(code([1], nil) == .destinationRequired)
      #expect(code([UInt8](repeating: 0, count: 65508), socket.localAddress) == .messageTooLong)
      try socket.connect(to: socket.localAddress)
      #expect(code([1], socket.localAddress) == .isConnected)
      socket.close()
      #expect(code([1], nil) == .badDescriptor)
      #expect(socket.pendingDatagrams == 0)
    }
  }

  @Test("what waits for a connected peer still goes there when the socket gets another one")
  func newPeer() throws {
    try LoopHarness.run { loop, _ in
      let sender = try socket(on: loop)
      let other = try socket(on: loop)
      let receiver = try Receiver(on: loop, after: 1, closing: [sender, other])
      try sender.connect(to: receiver.socket.localAddress)
      _ = [UInt8(1)].withUnsafeBytes { sender.wait(with: $0, to: nil) }
      try sender.disconnect()
      #expect(sender.queue.first?.address == receiver.socket.localAddress)
      loop.run()
      #expect(receiver.received == [[1]])
    }
  }

  @Test("memory for what leaves together is used again, by all sockets of the loop")
  func memoryIsUsedAgain() throws {
    try LoopHarness.run { loop, _ in
      let receiver = try socket(on: loop)
      let senders = try (0..<6).map { _ in try socket(on: loop) }
      for _ in 0..<3 {
        for sender in senders { try sender.enqueue([1], to: receiver.localAddress) }
        loop.run()
        #expect(loop.collecting.spare.count == 4 && loop.collecting.sockets.isEmpty)
        #expect(senders.allSatisfy { $0.collected == nil })
      }
      for socket in senders + [receiver] { socket.close() }
    }
  }
}
