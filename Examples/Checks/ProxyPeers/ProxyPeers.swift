import UVNet

/// Both peers of `proxy`: a fast sender and a slow reader, checking every byte.
///
/// It prints the address that the proxy must forward to, reads the proxy's own from standard
/// input, sends so many MiB through it, ends its stream, and waits for the reader's answer in the
/// other direction. Its last line is `content` when all came through, and in order. With `reset` in
/// place of a number, the sender resets its connection, and the reader must hear of that.
@main
final class ProxyPeers {
  let loop: EventLoop
  let mebibytes: Int
  let answerByteCount = 1 << 20
  var failure: String?

  static func main() throws {
    let argument = CommandLine.arguments.dropFirst().first ?? ""
    let peers = ProxyPeers(loop: try EventLoop(), mebibytes: Int(argument) ?? 0)
    try peers.run()
  }

  init(loop: EventLoop, mebibytes: Int) {
    self.loop = loop
    self.mebibytes = mebibytes
  }

  func run() throws {
    let listener = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) {
      listener, connection in
      listener.close()
      self.mebibytes > 0 ? self.readSlowly(from: connection) : self.expectReset(of: connection)
    }
    print(listener.localAddress)
    guard let text = readLine() else { return print("no address of a proxy came") }
    TCPConnection.connect(to: try SocketAddress(parsing: text), on: loop) { result in
      switch result {
      case .success(let connection):
        self.mebibytes > 0 ? self.sendFast(on: connection) : self.reset(connection)
      case .failure(let error): self.fail("connect: \(error)")
      }
    }
    loop.run()
    try loop.close()
    print(failure ?? "content")
  }

  // MARK: - The fast sender

  func sendFast(on connection: TCPConnection) {
    let total = mebibytes << 20
    var sent = 0
    var source = Pattern()
    func send() {
      while sent < total, connection.isWritable {
        do { try connection.write(source.next(65536)) } catch { self.fail("send: \(error)") }
        sent += 65536
      }
      if sent == total { connection.shutdown() }
    }
    var answered = 0
    var answer = Pattern()
    connection.start(
      .init(
        onData: { _, bytes in
          if !answer.matches(bytes) { self.fail("the answer is wrong after \(answered) bytes") }
          answered += bytes.byteCount
        },
        onDrain: { _ in send() },
        onClose: { _, reason in
          guard answered != self.answerByteCount else { return }
          self.fail("\(answered) bytes came back: \(reason)")
        }))
    send()
  }

  // MARK: - The slow reader

  /// Reads for a moment and then not at all, again and again; and answers when the end has come.
  func readSlowly(from connection: TCPConnection) {
    var received = 0
    var expected = Pattern()
    let pace = LoopTimer.every(.milliseconds(2), on: loop) { _ in connection.resumeReading() }
    connection.start(
      .init(
        onData: { connection, bytes in
          if !expected.matches(bytes) { self.fail("the data is wrong after \(received) bytes") }
          let pieces = received >> 18
          received += bytes.byteCount
          if received >> 18 != pieces { connection.pauseReading() }
        },
        onEnd: { connection in
          pace.cancel()
          print("\(received) bytes arrived")
          if received != self.mebibytes << 20 { self.fail("\(received) bytes arrived") }
          // Its own direction is still open: the proxy has passed on the end of the other only.
          var answer = Pattern()
          do { try connection.write(answer.next(self.answerByteCount)) } catch {
            self.fail("answer: \(error)")
          }
          connection.closeGracefully()
        },
        onClose: { _, reason in
          pace.cancel()
          if received != self.mebibytes << 20 { self.fail("the reader lost its peer: \(reason)") }
        }))
  }

  // MARK: - The reset

  /// Resets when the reader has answered, so that nothing else is on its way.
  func reset(_ connection: TCPConnection) {
    do { try connection.write("hello") } catch { fail("send: \(error)") }
    connection.start(.init(onData: { _, _ in connection.reset() }))
  }

  func expectReset(of connection: TCPConnection) {
    connection.start(
      .init(
        onData: { connection, bytes in
          do { try connection.write(bytes) } catch { self.fail("answer: \(error)") }
        },
        onClose: { _, reason in
          guard reason.error?.code == .connectionReset else {
            return self.fail("the reset arrived as: \(reason)")
          }
          print("the reset arrived")
        }))
  }

  func fail(_ message: String) {
    failure = failure ?? message
    loop.end()
  }
}
