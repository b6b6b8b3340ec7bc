import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An echo server on UVNet in each way in which one can be written; `Benchmarks/echo` compares them.
///
///     Echo callbacks|chunks|closure|into --port N
@main
struct Echo {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, arguments[2] == "--port", let port = UInt16(arguments[3]) else {
      say("usage: Echo callbacks|chunks|closure|into --port N")
      exit(64)
    }
    let address = SocketAddress(.loopback, port: port)
    do {
      switch arguments[1] {
      case "callbacks": try serveInCallbacks(at: address)
      case "chunks":
        try serve(at: address) { connection in
          for try await bytes in connection.chunks { try await connection.write(bytes) }
        }
      case "closure":
        try serve(at: address) { connection in
          // The body is no async function: it collects what is sent with all else of the callback.
          while let result = try await connection.read({ bytes in
            Result<Void, UVError> { () throws(UVError) in
              try connection.write(bytes, completion: nil)
            }
          }) {
            try result.get()
            if !connection.isWritable { try await connection.drained() }
          }
        }
      case "into":
        try serve(at: address) { connection in
          var buffer: [UInt8] = []
          while try await connection.read(into: &buffer) != nil {
            try await connection.write(buffer)
            buffer.removeAll(keepingCapacity: true)
          }
        }
      default:
        say("there is no way \(arguments[1])")
        exit(64)
      }
    } catch {
      say("error: \(error)")
      exit(1)
    }
  }

  private static var options: TCPListener.Options {
    var options = TCPListener.Options()
    options.backlog = 4096
    return options
  }

  private static func serve(
    at address: SocketAddress,
    _ body: @escaping @LoopActor (TCPConnection) async throws -> Void
  ) throws {
    try EventLoop.run { loop in try await serve(on: loop, at: address, body) }
  }

  @LoopActor
  private static func serve(
    on loop: EventLoop, at address: SocketAddress,
    _ body: @escaping @LoopActor (TCPConnection) async throws -> Void
  ) async throws {
    let listener = try AsyncListener.listen(at: address, on: loop, options: options)
    loop.task {
      _ = try await loop.signal(SIGTERM)
      loop.stop()
    }
    say("listening address=127.0.0.1 port=\(listener.localAddress.port)")
    do throws(UVError) {
      try await listener.serve(body)
    } catch {
      guard error.code == .canceled else { throw error }
    }
  }

  private static func serveInCallbacks(at address: SocketAddress) throws {
    let loop = try EventLoop()
    let handlers = TCPConnection.Handlers(
      onData: { connection, bytes in
        do { try connection.write(bytes) } catch { return connection.close() }
        if !connection.isWritable { connection.pauseReading() }
      },
      onDrain: { $0.resumeReading() })
    let listener = try TCPListener.listen(at: address, on: loop, options: options) {
      $1.start(handlers)
    }
    _ = try SignalSource.on(SIGTERM, on: loop) { _ in loop.stop() }
    say("listening address=127.0.0.1 port=\(listener.localAddress.port)")
    loop.run()
    loop.endAndClose()
  }

  private static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }
}
