import DNS
import UVNet

/// `dns-query SERVER NAME` asks a DNS server for the IPv4 addresses of a name, and prints them.
///
/// In async/await: over UDP it asks up to five times, and over TCP where the answer does not fit into a
/// datagram.
@main
struct Query: LoopProgram {
  /// What ends the program without addresses.
  enum Failure: Error { case usage, noName, noAnswer, code(UInt8) }

  static func main(on loop: EventLoop) async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { throw Failure.usage }
    let server = try SocketAddress(parsing: arguments[1], defaultPort: 53)
    guard let question = Question(arguments[2], type: 1) else { throw Failure.noName }
    let query = question.query(id: .random(in: 0 ... .max))
    var answer = try await overUDP(query, server, loop)
    if answer.isTruncated { answer = try await overTCP(query, server, loop) }
    guard answer.responseCode == 0 else { throw Failure.code(answer.responseCode) }
    for address in answer.addresses { print(address.map(String.init).joined(separator: ".")) }
  }

  @LoopActor
  static func overUDP(
    _ query: Message, _ server: SocketAddress, _ loop: EventLoop
  ) async throws -> Message {
    let socket = try UDPSocket.bind(
      to: SocketAddress(server.isIPv6 ? .anyIPv6 : .any, port: 0), on: loop)
    defer { socket.close() }
    try socket.connect(to: server)
    for wait in [200, 400, 800, 1600, 3200] {
      try await socket.send(query.bytes)
      do {
        return try await loop.withTimeout(.milliseconds(wait)) {
          for try await datagram in socket.datagrams {
            if let answer = try? Message(datagram.bytes), answer.answers(query) { return answer }
          }
          throw Failure.noAnswer
        }
      } catch let error as UVError where error.code == .timedOut {
        continue
      }
    }
    throw Failure.noAnswer
  }

  @LoopActor
  static func overTCP(
    _ query: Message, _ server: SocketAddress, _ loop: EventLoop
  ) async throws -> Message {
    let connection = try await TCPConnection.connect(to: server, on: loop, timeout: .seconds(5))
    defer { connection.close() }
    return try await loop.withTimeout(.seconds(5)) { try await exchange(query, connection) }
  }

  @LoopActor
  static func exchange(_ query: Message, _ connection: TCPConnection) async throws -> Message {
    let frame = Frames.frame(query.bytes) ?? []
    try await connection.write(frame)
    guard let length = try await connection.read(exactly: 2) else { throw Failure.noAnswer }
    let count = Int(length[0]) << 8 | Int(length[1])
    guard let bytes = try await connection.read(exactly: count) else { throw Failure.noAnswer }
    guard let answer = try? Message(bytes), answer.answers(query) else { throw Failure.noAnswer }
    return answer
  }
}
