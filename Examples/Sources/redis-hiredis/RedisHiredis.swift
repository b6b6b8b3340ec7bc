import UVNet

/// `redis-hiredis ADDRESS SOCKET` serves lines over TCP from a Redis behind a Unix socket: `get KEY`,
/// `set KEY VALUE`, `incr KEY`, and `end`, which ends the server.
///
/// TCP is UVNet's, Redis is hiredis's, both on one loop. What a callback of hiredis's writes to a
/// connection is sent as if it were one of UVNet's own.
@main
struct RedisHiredis {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count == 2, let path = arguments.last else {
      return print("usage: redis-hiredis ADDRESS SOCKET")
    }
    let loop = try EventLoop()
    let address = try SocketAddress(parsing: arguments.first ?? "", allowPortZero: true)
    guard let redis = RedisClient(path: path, on: loop) else {
      print("no Redis at \(path)")
      return loop.endAndClose()
    }
    let listener = try TCPListener.listen(at: address, on: loop) { listener, connection in
      serve(connection, from: redis) {
        listener.close()
        redis.close()
      }
    }
    print("listening on \(listener.localAddress)")
    // It returns when the last connection is closed, Redis's among them.
    loop.run()
    print("ended with \(loop.openHandles) open, after \(loop.counters.bytesRead) bytes")
    try loop.close()
  }

  private static func serve(
    _ connection: TCPConnection, from redis: RedisClient, end: @escaping () -> Void
  ) {
    var lines = LineSplitter(maximumLength: 1000)
    connection.start(
      .init(onData: { connection, bytes in
        do {
          try lines.split(bytes) { line in
            let text = String(decoding: line)
            let words = text.split(separator: " ", maxSplits: 2).map(String.init)
            switch (words.first, words.count) {
            case ("get", 2): redis.send("GET", words[1]) { answer($0, on: connection) }
            case ("incr", 2): redis.send("INCR", words[1]) { answer($0, on: connection) }
            case ("set", 3): redis.send("SET", words[1], words[2]) { answer($0, on: connection) }
            case ("end", 1):
              connection.closeGracefully()
              end()
            default: answer(.error("what?"), on: connection)
            }
          }
        } catch {
          connection.closeGracefully()
        }
      }))
  }

  private static func answer(_ answer: RedisClient.Answer, on connection: TCPConnection) {
    let text =
      switch answer {
      case .text(let text): text
      case .integer(let number): "\(number)"
      case .none: "(nothing)"
      case .error(let reason): "error: \(reason)"
      }
    do { try connection.write(text + "\n") } catch { connection.close() }
  }
}
