import UVNet

@main
struct AsyncEcho: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let text = CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7008"
    let address = try SocketAddress(parsing: text, allowPortZero: true)
    let listener = try AsyncListener.listen(at: address, on: loop)
    loop.task {
      let signal = try await loop.signal(.terminate, .interrupt)
      print("\(signal): clients have 5 seconds to leave")
      listener.close()
      try await loop.sleep(for: .seconds(5))
      loop.stop()
    }
    print("listening on \(listener.localAddress)")
    try await listener.serve { connection in
      for try await bytes in connection.chunks { try await connection.write(bytes) }
    }
  }
}
