import UVNet

/// `redis ADDRESS COMMAND [ARGUMENT]...` sends a command to a Redis server and prints the reply.
///
/// ADDRESS is `127.0.0.1:6379` or `unix:/run/redis.sock`. A `,` as an argument of its own begins another
/// command: all are sent at once, and answered in order.
@main
struct Redis {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let address = arguments.first, arguments.count > 1 else {
      return print("usage: redis ADDRESS COMMAND [ARGUMENT]... [, COMMAND [ARGUMENT]...]...")
    }
    let commands = arguments.dropFirst().split(separator: ",").map(Array.init)
    let loop = try EventLoop()
    try RedisClient.connect(to: address, on: loop) { result in
      switch result {
      case .success(let client): send(commands, to: client)
      case .failure(let error): print("\(address): \(error)")
      }
    }
    loop.run()
    loop.endAndClose()
  }

  static func send(_ commands: [[String]], to client: RedisClient) {
    for (index, command) in commands.enumerated() {
      client.send(command) { reply in
        switch reply {
        case .success(let value): print(value)
        case .failure(let error): print("no reply: \(error)")
        }
        if index == commands.count - 1 { client.close() }
      }
    }
  }
}
