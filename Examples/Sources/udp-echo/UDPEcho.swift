import UVNet

/// `udp-echo [LISTEN]` sends every datagram back to whom it came from.
@main
struct UDPEcho {
  static func main() throws {
    let loop = try EventLoop()
    let text = CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7009"
    let address = try SocketAddress(parsing: text, allowPortZero: true)
    let socket = try UDPSocket.bind(to: address, on: loop)
    socket.start(
      .init(
        onDatagram: { socket, bytes, origin in
          do { try socket.enqueue(bytes, to: origin.sender) } catch { print("not sent: \(error)") }
        },
        onError: { _, error in print("error: \(error)") }))
    print("listening on \(socket.localAddress)")
    loop.run()
  }
}
