import UVNet

/// A connection to a Redis server, by TCP or by a Unix socket: the rest of the code does not know which.
final class RedisClient {
  /// Why a command got no reply.
  enum Failure: Error {
    case connection(CloseReason)
    case notSent(UVError)
    case malformed(RESPDecoder.Malformed)
  }

  typealias Completion = (Result<RESPValue, Failure>) -> Void

  private let connection: StreamConnection
  private var decoder = RESPDecoder()
  /// Who waits for a reply, in the order of their commands.
  private var waiting: [Completion] = []
  private var malformed: RESPDecoder.Malformed?

  /// Connects to `HOST:PORT` or `unix:PATH`.
  static func connect(
    to address: String, on loop: EventLoop,
    completion: @escaping (Result<RedisClient, UVError>) -> Void
  ) throws {
    if address.hasPrefix("unix:") {
      UnixConnection.connect(to: try UnixAddress(parsing: address), on: loop) { result in
        completion(result.map { RedisClient($0) })
      }
    } else {
      TCPConnection.connect(to: try SocketAddress(parsing: address), on: loop) { result in
        completion(result.map { RedisClient($0) })
      }
    }
  }

  private init(_ connection: StreamConnection) {
    self.connection = connection
    connection.start(
      .init(
        onData: { [self] _, bytes in received(bytes) },
        onClose: { [self] _, reason in closed(reason) }))
  }

  /// Sends a command; any number may be sent before the first reply has come.
  func send(_ command: [String], completion: @escaping Completion) {
    var text = "*\(command.count)\r\n"
    for argument in command { text += "$\(argument.utf8.count)\r\n\(argument)\r\n" }
    do throws(UVError) {
      try connection.write(text)
      waiting.append(completion)
    } catch {
      completion(.failure(.notSent(error)))
    }
  }

  func close() { connection.closeGracefully() }

  private func received(_ bytes: RawSpan) {
    decoder.append(bytes)
    do throws(RESPDecoder.Malformed) {
      while let value = try decoder.next() {
        guard !waiting.isEmpty else { throw RESPDecoder.Malformed(reason: "nobody asked") }
        waiting.removeFirst()(.success(value))
      }
    } catch {
      malformed = error
      connection.close()
    }
  }

  private func closed(_ reason: CloseReason) {
    let left = waiting
    waiting = []
    for completion in left {
      completion(.failure(malformed.map(Failure.malformed) ?? .connection(reason)))
    }
  }
}
