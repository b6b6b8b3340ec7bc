import UVNet

/// `proxy LISTEN TARGET` relays every connection to another address.
///
/// What it holds is bounded by the water marks: it reads from one side only while the other takes
/// bytes. Each side's end is passed on by itself, so one direction can outlive the other.
@main
struct Proxy {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { return print("usage: proxy LISTEN TARGET") }
    let loop = try EventLoop()
    let target = try SocketAddress(parsing: arguments[2])
    let address = try SocketAddress(parsing: arguments[1], allowPortZero: true)
    let listener = try TCPListener.listen(at: address, on: loop) { _, client in
      TCPConnection.connect(to: target, on: loop) { result in
        switch result {
        case .success(let server):
          forward(from: client, to: server)
          forward(from: server, to: client)
        case .failure(let error):
          print("\(target): \(error)")
          client.reset()
        }
      }
    }
    print("listening on \(listener.localAddress)")
    loop.run()
  }

  static func forward(from source: TCPConnection, to sink: TCPConnection) {
    source.start(
      .init(
        onData: { source, bytes in
          do { try sink.write(bytes) } catch { return sink.reset() }
          if !sink.isWritable { source.pauseReading() }
        },
        onEnd: { source in
          sink.shutdown()
          // When both have ended, all that is left is what they have not taken yet.
          guard sink.endReceived else { return }
          source.closeGracefully(within: .seconds(60))
          sink.closeGracefully(within: .seconds(60))
        },
        // Each source is the other's sink: this one takes bytes again, so the other may be read.
        onDrain: { _ in sink.resumeReading() },
        onClose: { _, reason in
          if let error = reason.error { print("closed: \(error)") }
          // Anything but an orderly end is passed on as a reset, never as an end.
          if reason != .peer { sink.reset() }
        }))
  }
}
