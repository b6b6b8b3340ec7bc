import TestTaskProto
import UVNet

/// The program's own message for the frames to carry: a text, as UTF-8.
struct Note {
  var text: String
  func send(on connection: StreamConnection) {
    do {
      var frame: [UInt8] = []
      try FrameEncoder.append(payload: Array(text.utf8), to: &frame)
      try connection.write(frame)
    } catch { connection.close() }
  }

  /// Calls `body` with each note that comes, however the stream cuts it.
  static func receive(on connection: TCPConnection, _ body: @escaping (Note) -> Void) {
    var decoder = FrameDecoder(maximumFrameLength: 1024)
    connection.start(
      .init { connection, bytes in
        do {
          _ = try decoder.decode(bytes) { payload throws(ProtocolViolation.Kind) in
            let text = payload.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
            guard let text else { throw .malformedMessage }
            body(Note(text: text))
            return connection.isClosing ? .stop : .proceed
          }
        } catch {
          print("broken: \(error)")
          connection.closeGracefully()
        }
      })
  }
}

/// `framing ADDRESS` answers notes in capitals; `framing ADDRESS TEXT` asks itself, and ends.
@main
struct Framing {
  static func main() throws {
    let loop = try EventLoop()
    let arguments = CommandLine.arguments.dropFirst()
    let address = try SocketAddress(parsing: arguments.first ?? "127.0.0.1:0", allowPortZero: true)
    let listener = try TCPListener.listen(at: address, on: loop) { _, connection in
      Note.receive(on: connection) { Note(text: $0.text.uppercased()).send(on: connection) }
    }
    print("listening on \(listener.localAddress)")
    if let text = arguments.dropFirst().first {
      TCPConnection.connect(to: listener.localAddress, on: loop) { result in
        guard case .success(let connection) = result else { return print(result) }
        Note.receive(on: connection) { answer in
          print(answer.text)
          loop.end()
        }
        Note(text: text).send(on: connection)
      }
    }
    loop.run()
    try loop.close()
  }
}
