import UVNet

@main
struct Echo {
  static func main() throws {
    let loop = try EventLoop()
    let text = CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7007"
    let address = try SocketAddress(parsing: text, allowPortZero: true)
    let listener = try TCPListener.listen(at: address, on: loop) { _, connection in
      connection.start(
        .init(
          onData: { connection, bytes in
            do { try connection.write(bytes) } catch { connection.close() }
          },
          onClose: { connection, reason in print("closed: \(reason)") }))
    }
    print("listening on \(listener.localAddress)")
    loop.run()
  }
}
