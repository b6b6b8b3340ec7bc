import UVNet
import UVNetTLS

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A TLS server on UVNet: `tls-uvnet PORT CERTIFICATE KEY`.
///
/// The first byte of a connection says what is done with the rest: e sends it back, d drops it, s sends
/// for ever.
@main
struct TLSServer {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let port = UInt16(arguments[1]) else { exit(64) }
    let identity = try TLSIdentity(certificateFile: arguments[2], keyFile: arguments[3])
    let context = try TLSServerContext(TLSServerOptions(identity: identity))
    let loop = try EventLoop()
    let handlers = makeHandlers()
    var options = TCPListener.Options()
    options.backlog = 4096
    let listener = try TCPListener.listen(
      at: SocketAddress(.loopback, port: port), on: loop, options: options
    ) { _, connection in
      connection.startTLS(context) { result in
        if case .success = result { connection.start(handlers) }
      }
    }
    try SignalSource.on(SIGTERM, on: loop) { _ in loop.stop() }
    say("listening address=127.0.0.1 port=\(listener.localAddress.port)")
    loop.run()
    loop.endAndClose()
  }

  /// Looks at the first byte, and has others do with the rest what it says.
  private static func makeHandlers() -> TCPConnection.Handlers {
    let echo = TCPConnection.Handlers(
      onData: { connection, bytes in Self.echo(bytes, to: connection) },
      onDrain: { $0.resumeReading() })
    let discard = TCPConnection.Handlers(onData: { _, _ in })
    let source = TCPConnection.Handlers(onData: { _, _ in }, onDrain: send)
    return TCPConnection.Handlers(onData: { connection, bytes in
      switch bytes.unsafeLoad(as: UInt8.self) {
      case UInt8(ascii: "e"):
        connection.replaceHandlers(echo)
        Self.echo(bytes.extracting(droppingFirst: 1), to: connection)
      case UInt8(ascii: "s"):
        connection.replaceHandlers(source)
        send(connection)
      default: connection.replaceHandlers(discard)
      }
    })
  }

  private static func echo(_ bytes: RawSpan, to connection: TCPConnection) {
    do { try connection.write(bytes) } catch { return connection.close() }
    if !connection.isWritable { connection.pauseReading() }
  }

  private static let block = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)

  private static func send(_ connection: TCPConnection) {
    while connection.isWritable {
      do { try connection.write(block) } catch { return connection.close() }
    }
  }

  private static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }
}
