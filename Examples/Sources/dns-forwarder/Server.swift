import DNS
import UVNet

/// `dns-forwarder LISTEN SERVER` answers DNS queries, over UDP and TCP, from its cache or by asking a
/// server.
///
/// ``Forwarder`` decides; this carries messages. What anybody can make it hold is bounded: questions
/// under way, clients over TCP, and the bytes that wait for each of them.
@main
final class Server {
  enum Client: Hashable, Sendable {
    case udp(SocketAddress)
    case tcp(Int)
  }

  private let loop: EventLoop
  private let server: SocketAddress
  private let front: UDPSocket
  private let back: UDPSocket
  private var core = Forwarder<Client>(capacity: 10_000)
  private var clients: [Int: TCPConnection] = [:]
  private var nextClient = 0
  private var exchanges: [UInt16: TCPConnection] = [:]
  private let start: EventLoop.Instant
  private lazy var timer = LoopTimer.unscheduled(on: loop) { [unowned self] _ in
    perform(core.advance(to: now))
  }

  private var now: Duration { start.duration(to: loop.now) }

  static let mostClients = 200
  static let idleTime = Duration.seconds(10)

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { return print("usage: dns-forwarder LISTEN SERVER") }
    let loop = try EventLoop()
    let address = try SocketAddress(parsing: arguments[1], allowPortZero: true)
    let server = try listen(at: address, to: SocketAddress(parsing: arguments[2]), on: loop)
    print("listening on \(server.front.localAddress)")
    loop.run()
  }

  /// With port 0, a port that is free for UDP may be in use for TCP.
  static func listen(
    at address: SocketAddress, to target: SocketAddress, on loop: EventLoop
  ) throws -> Server {
    for _ in 0..<16 where address.port == 0 {
      do throws(UVError) {
        return try Server(at: address, to: target, on: loop)
      } catch {
        guard error.code == .addressInUse else { throw error }
      }
    }
    return try Server(at: address, to: target, on: loop)
  }

  init(at address: SocketAddress, to server: SocketAddress, on loop: EventLoop) throws(UVError) {
    self.loop = loop
    self.server = server
    start = loop.now
    front = try UDPSocket.bind(to: address, on: loop)
    // A port of its own that the system chooses, from which only the server is heard.
    back = try UDPSocket.bind(
      to: SocketAddress(server.isIPv6 ? .anyIPv6 : .any, port: 0), on: loop)
    try back.connect(to: server)
    do throws(UVError) {
      _ = try TCPListener.listen(at: front.localAddress, on: loop) { [unowned self] _, connection in
        accept(connection)
      }
    } catch {
      front.close()
      back.close()
      throw error
    }
    front.start(
      .init(onDatagram: { [unowned self] _, bytes, origin in
        perform(core.asked([UInt8](bytes), by: .udp(origin.sender), over: .udp, at: now))
      }))
    back.start(
      .init(onDatagram: { [unowned self] _, bytes, _ in
        perform(core.received([UInt8](bytes), over: .udp, at: now))
      }))
  }

  private func perform(_ actions: [Forwarder<Client>.Action]) {
    for action in actions {
      switch action {
      // What cannot be sent is lost, as it may be on its way: whoever waits for it asks again.
      case .reply(let bytes, .udp(let address)): _ = try? front.send(bytes, to: address)
      case .reply(let bytes, .tcp(let number)): reply(bytes, number)
      case .ask(let bytes, .udp, _): _ = try? back.send(bytes)
      case .ask(let bytes, .tcp, let number): exchange(bytes, number)
      case .endExchange(let number): exchanges.removeValue(forKey: number)?.close()
      }
    }
    if let deadline = core.deadline {
      timer.schedule(at: start.advanced(by: deadline))
    } else {
      timer.unschedule()
    }
  }

  // MARK: Clients over TCP

  private func accept(_ connection: TCPConnection) {
    guard clients.count < Self.mostClients else { return connection.close() }
    nextClient += 1
    let number = nextClient
    clients[number] = connection
    var frames = Frames()
    // From the last complete query on, so that a client that sends byte by byte keeps no place.
    let idle = LoopTimer.unscheduled(on: loop) { _ in connection.close() }
    idle.schedule(after: Self.idleTime)
    connection.start(
      .init(
        onData: { [unowned self] connection, bytes in
          for query in frames.append([UInt8](bytes)) where !connection.isClosing {
            idle.schedule(after: Self.idleTime)
            perform(core.asked(query, by: .tcp(number), over: .tcp, at: now))
          }
          if !connection.isWritable { connection.pauseReading() }
        },
        // Answers may still be due; then the idle time ends it.
        onEnd: { _ in },
        onDrain: { $0.resumeReading() },
        onClose: { [unowned self] _, _ in
          idle.cancel()
          clients[number] = nil
          core.left(.tcp(number))
        }))
  }

  private func reply(_ bytes: [UInt8], _ number: Int) {
    guard let client = clients[number], let frame = Frames.frame(bytes) else { return }
    do { try client.write(frame) } catch { client.close() }
  }

  // MARK: The server over TCP

  /// Asks one question over a connection of its own.
  private func exchange(_ query: [UInt8], _ number: UInt16) {
    TCPConnection.connect(to: server, on: loop, timeout: .seconds(5)) { [unowned self] result in
      guard let connection = try? result.get(), let frame = Frames.frame(query) else {
        return perform(core.exchangeFailed(number))
      }
      exchanges[number] = connection
      var frames = Frames()
      connection.start(
        .init(
          onData: { [unowned self] _, bytes in
            for answer in frames.append([UInt8](bytes)) {
              perform(core.received(answer, over: .tcp, exchange: number, at: now))
            }
          },
          onClose: { [unowned self] connection, _ in
            guard exchanges[number] === connection else { return }
            exchanges[number] = nil
            perform(core.exchangeFailed(number))
          }))
      do { try connection.write(frame) } catch { connection.close() }
    }
  }
}
