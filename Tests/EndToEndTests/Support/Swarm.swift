import TestTaskProto
import UVNet
import UVNetTestKit

/// Many clients at once, half of them on a network that only delays and breaks off, half on one
/// that corrupts too.
final class Swarm {
  /// A server that some of the clients connect to.
  struct Target {
    var port: UInt16
    /// Secures a connection before it is used, and says whether that went well; `nil` for the plain
    /// protocol.
    var secure: ((TCPConnection, @escaping (Bool) -> Void) -> Void)?
  }

  private(set) var connections = 0
  /// Those of each server.
  private(set) var answers: [Int]
  /// Handshakes of TLS that went well.
  private(set) var secured = 0
  private(set) var complaints: [String] = []
  private var counts: [ChaosRelay.Fault: Int] = [:]
  private let targets: [Target]
  private let seed: UInt64
  private var isOver = false
  private var live: [TCPConnection] = []

  var summary: String {
    let faults = counts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
    return "\(connections) connections, \(secured) of them secured, answers \(answers), "
      + "faults \(faults)"
  }

  init(_ targets: [Target], seed: UInt64) {
    self.targets = targets
    self.seed = seed
    answers = targets.map { _ in 0 }
  }

  /// Runs the clients for so long; `begin` lets others use the loop and the relay that only delays
  /// and breaks off, `end` is called when the time is over and before connections are closed.
  func run(
    for duration: Duration, clients: Int,
    alongside begin: (EventLoop, SocketAddress) -> Void = { _, _ in },
    atEnd end: @escaping () -> Void = {}
  ) throws {
    try LoopHarness.run(watchdog: duration + .seconds(90)) { loop, _ in
      var relays: [(breaking: ChaosRelay, corrupting: ChaosRelay)] = []
      for (index, target) in targets.enumerated() {
        relays.append(try makeRelays(to: target, seed &+ UInt64(index) << 32, on: loop))
      }
      for number in 0..<clients {
        let random = SplitMix64(seed: seed &+ UInt64(number) &+ 2)
        let isHonest = number.isMultiple(of: 2)
        let server = number / 2 % targets.count
        let relay = isHonest ? relays[server].breaking : relays[server].corrupting
        self.begin(
          Route(server: server, relay: relay.address, isHonest: isHonest), random, on: loop)
      }
      begin(loop, relays[0].breaking.address)
      LoopTimer.after(duration, on: loop) { [self] _ in
        isOver = true
        end()
        for connection in live { connection.closeGracefully(within: .milliseconds(500)) }
        LoopTimer.after(.seconds(1), on: loop) { [self] _ in
          for relay in relays.flatMap({ [$0.breaking, $0.corrupting] }) {
            counts.merge(relay.counts) { $0 + $1 }
            relay.close()
          }
        }
      }
    }
  }

  private func makeRelays(
    to target: Target, _ seed: UInt64, on loop: EventLoop
  ) throws -> (breaking: ChaosRelay, corrupting: ChaosRelay) {
    let faults = { kinds in
      // A handshake of TLS alone has more bytes than requests and answers.
      ChaosRelay.Faults(
        longestDelay: .milliseconds(2), largestPiece: target.secure == nil ? 64 : 512,
        bytesBetweenFaults: target.secure == nil ? 400 : 4000, kinds: kinds)
    }
    let server = SocketAddress(.loopback, port: target.port)
    return (
      try ChaosRelay(to: server, on: loop, seed: seed, faults: faults([.cut, .reset])),
      try ChaosRelay(
        to: server, on: loop, seed: seed &+ 1, faults: faults(ChaosRelay.Fault.allCases))
    )
  }

  /// The way of one client: to which server, and over what.
  private struct Route {
    var server: Int
    var relay: SocketAddress
    /// On a network that corrupts nothing.
    var isHonest: Bool
  }

  private func begin(_ route: Route, _ random: SplitMix64, on loop: EventLoop) {
    guard !isOver else { return }
    TCPConnection.connect(to: route.relay, on: loop) { [self] result in
      guard case .success(let connection) = result else { return again(route, random, on: loop) }
      connections += 1
      live.append(connection)
      guard let secure = targets[route.server].secure else {
        return use(connection, route, random)
      }
      secure(connection) { [self] isSecured in
        guard isSecured else {
          live.removeAll { $0 === connection }
          return again(route, random, on: loop)
        }
        secured += 1
        use(connection, route, random)
      }
    }
  }

  private func use(_ connection: TCPConnection, _ route: Route, _ random: SplitMix64) {
    let client = SoakClient(random)
    // Over TLS, too, nothing that was corrupted may pass.
    let mustBeRight = route.isHonest || targets[route.server].secure != nil
    connection.start(
      .init(
        onData: { [self] connection, bytes in
          do throws(ProtocolViolation) {
            answers[route.server] += try client.take(bytes)
            if !isOver, client.isSatisfied { client.ask(connection) }
          } catch {
            if mustBeRight { complaints.append("\(error)") }
            connection.close()
          }
        },
        onClose: { [self] connection, _ in
          live.removeAll { $0 === connection }
          again(route, client.random, on: connection.loop)
        }))
    if isOver { connection.close() } else { client.ask(connection) }
  }

  private func again(_ route: Route, _ random: SplitMix64, on loop: EventLoop) {
    guard !isOver else { return }
    var random = random
    LoopTimer.after(.milliseconds(random.below(20)), on: loop) { [self] _ in
      begin(route, random, on: loop)
    }
  }
}

/// What one client has asked, and whether what comes answers it.
private final class SoakClient {
  private(set) var random: SplitMix64
  private var decoder = FrameDecoder()
  private var fast = 0
  private var slow = 0

  init(_ random: SplitMix64) { self.random = random }

  var isSatisfied: Bool { fast == 0 && slow == 0 }

  func ask(_ connection: StreamConnection) {
    var bytes: [UInt8] = []
    for _ in 0...random.below(20) {
      switch random.below(50) {
      case 0:
        slow += 1
        Message.slow(UInt32(random.below(2))).appendFrame(to: &bytes)
      default:
        fast += 1
        Message.fast.appendFrame(to: &bytes)
      }
    }
    // A refused write means that the connection is closing, which its handler hears of.
    try? connection.write(bytes)
  }

  func take(_ bytes: RawSpan) throws(ProtocolViolation) -> Int {
    var count = 0
    _ = try decoder.decode(bytes) { payload throws(ProtocolViolation.Kind) in
      switch try Message(decoding: payload) {
      case .fastResponse(let time) where fast > 0 && time.utf8.count == 19: fast -= 1
      case .slowResponse(let clients) where slow > 0 && clients > 0: slow -= 1
      default: throw .unexpectedMessage
      }
      count += 1
      return .proceed
    }
    return count
  }
}
