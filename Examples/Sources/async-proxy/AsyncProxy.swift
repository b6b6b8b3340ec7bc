import UVNet

/// `async-proxy LISTEN TARGET` relays every connection to another address.
///
/// What it holds is bounded: a write waits while the other side takes no bytes, and meanwhile nothing
/// is read. Each side's end is passed on by itself, so one direction can outlive the other.
@main
struct AsyncProxy: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { return print("usage: async-proxy LISTEN TARGET") }
    let target = try SocketAddress(parsing: arguments[2])
    let address = try SocketAddress(parsing: arguments[1], allowPortZero: true)
    let listener = try AsyncListener.listen(at: address, on: loop)
    print("listening on \(listener.localAddress)")
    try await listener.serve { client in
      do {
        let server = try await TCPConnection.connect(to: target, on: loop)
        await relay(client, server)
      } catch {
        print("\(target): \(error)")
        client.reset()
      }
    }
  }

  /// Relays both ways until both have ended or one has failed.
  @LoopActor static func relay(_ client: TCPConnection, _ server: TCPConnection) async {
    await withDiscardingTaskGroup { group in
      group.addImmediateTask { await forward(from: client, to: server) }
      group.addImmediateTask { await forward(from: server, to: client) }
    }
    // What they have not taken yet they may take for a minute.
    for connection in [client, server] { connection.closeGracefully(within: .seconds(60)) }
    for connection in [client, server] { await connection.finished() }
  }

  @LoopActor static func forward(from source: TCPConnection, to sink: TCPConnection) async {
    do {
      for try await bytes in source.chunks { try await sink.write(bytes) }
      sink.shutdown()
    } catch {
      if error.code != .canceled { print("closed: \(error)") }
      // Anything but an orderly end is passed on as a reset, never as an end.
      sink.reset()
      source.reset()
    }
  }
}
