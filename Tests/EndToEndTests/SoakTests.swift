import TestTaskProto
import Testing
import UVNet
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Clients on bad networks against the real server, and what must be left of it afterwards.
///
/// `SOAK_SECONDS` sets how long (2 unless set), `SOAK_SEED` repeats a run. Memory is judged only
/// in runs of at least 20 seconds: a short one says nothing about growth.
@Suite struct SoakTests {
  @Test func `after chaos the server is as it was: descriptors, clients, log, one thread`() throws {
    let seconds = Self.environment("SOAK_SECONDS") ?? 2
    let seed = Self.environment("SOAK_SEED") ?? .random(in: .min ... .max)
    let server = try RunningServer("[limits]\npartial_frame_timeout_seconds = 2\n")
    let before = try Self.observe(server)
    let swarm = Swarm(port: server.port, seed: seed)
    try swarm.run(for: .seconds(Int64(seconds)), clients: seconds < 20 ? 40 : 300)
    print("soak: seed \(seed), \(swarm.summary)")
    #expect(swarm.complaints.isEmpty, "seed \(seed)")
    #expect(swarm.answers > 0 && swarm.connections > 40, "seed \(seed)")

    let accepted = try server.waitUntilNobodyIsConnected()
    let after = try Self.observe(server)
    #expect(after.descriptors == before.descriptors, "seed \(seed)")
    #expect(after.threads == "1", "seed \(seed)")
    if seconds >= 20 {
      #expect(after.residentKiB < 4 * before.residentKiB, "\(before) \(after), seed \(seed)")
    }
    _ = try server.waitUntilNobodyIsConnected(after: accepted + 1)
    // One that was not harmed is served as ever, and alone.
    let client = try server.connect()
    try client.send(.slow(0))
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    client.close()
    #expect(try server.terminate() == .exit(0))
    let log = try readFile(server.logPath).split(separator: "\n")
    #expect(log.count { $0.contains("event=connect ") } == accepted + 2)
    #expect(log.count { $0.contains("event=disconnect ") } == accepted + 2)
  }

  @Test func `kills and restarts of both sides cost connections, and nothing else`() throws {
    let seconds = Self.environment("SOAK_SECONDS") ?? 2
    let seed = Self.environment("SOAK_SEED") ?? .random(in: .min ... .max)
    let isLong = seconds >= 20
    let servers = try RestartedServer(seed: seed)
    let before = try Self.observe(servers.current)
    let clients = ClientFleet(seed: seed, interval: isLong ? 100 : 20)
    let swarm = Swarm(port: servers.port, seed: seed)
    try swarm.run(for: .seconds(Int64(seconds)), clients: isLong ? 200 : 20) { loop, relay in
      clients.begin(isLong ? 40 : 6, connectingTo: relay, on: loop)
      servers.beginRestarting(for: .seconds(Int64(seconds)), on: loop)
    } atEnd: {
      clients.end()
      servers.endRestarting()
    }
    print(
      "soak with restarts: seed \(seed), \(swarm.summary), \(clients.summary), \(servers.summary)")
    #expect(swarm.complaints.isEmpty, "seed \(seed)")
    #expect(clients.complaints.isEmpty, "seed \(seed)")
    #expect(servers.complaints.isEmpty, "seed \(seed)")
    #expect(swarm.answers > 0 && servers.restarts >= (isLong ? 3 : 1), "seed \(seed)")
    // In two seconds of a sanitizer's build ours may have had no time for one.
    if isLong { #expect(clients.answers > 0, "seed \(seed)") }

    let server = servers.current
    let accepted = try server.waitUntilNobodyIsConnected()
    let after = try Self.observe(server)
    #expect(after.descriptors == before.descriptors, "seed \(seed)")
    #expect(after.threads == "1", "seed \(seed)")
    if isLong {
      #expect(after.residentKiB < 4 * before.residentKiB, "\(before) \(after), seed \(seed)")
    }
    _ = try server.waitUntilNobodyIsConnected(after: accepted + 1)
    let client = try server.connect()
    try client.send(.slow(0))
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    client.close()
    #expect(try server.terminate() == .exit(0))
    try servers.checkLog(of: server)
    #expect(servers.complaints.isEmpty, "seed \(seed)")
  }

  private struct Observation {
    var descriptors: Int
    var threads: String
    var residentKiB: Int
  }

  /// What the server has while it serves one client.
  ///
  /// That client's answer comes after the ends of those before it have been seen to, and libuv opens a
  /// descriptor of its own for the first connection of a loop.
  private static func observe(_ server: RunningServer) throws -> Observation {
    let client = try server.connect()
    defer { client.close() }
    try client.send(.fast)
    _ = try client.receiveMessage()
    let resident = try server.program.status("VmRSS").split(separator: " ").first.flatMap {
      Int($0)
    }
    return Observation(
      descriptors: try countEntries("/proc/\(server.program.processID)/fd"),
      threads: try server.program.status("Threads"), residentKiB: resident ?? 0)
  }

  private static func environment(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }
}

extension RunningServer {
  /// Waits until the log has so many connects, and each its disconnect; returns how many there were.
  func waitUntilNobodyIsConnected(after least: Int = 0) throws -> Int {
    let deadline = ContinuousClock.now.advanced(by: Program.patience)
    while true {
      let log = try readFile(logPath).split(separator: "\n")
      let connects = log.count { $0.contains("event=connect ") }
      let disconnects = log.count { $0.contains("event=disconnect ") }
      if connects >= least, connects == disconnects { return connects }
      guard ContinuousClock.now < deadline else {
        throw Program.Failure(description: "clients are still connected: \(log.suffix(5))")
      }
      usleep(20_000)
    }
  }
}

/// Many clients at once, half of them on a network that only delays and breaks off, half on one
/// that corrupts too.
final class Swarm {
  private(set) var connections = 0
  private(set) var answers = 0
  private(set) var complaints: [String] = []
  private var counts: [ChaosRelay.Fault: Int] = [:]
  private let server: SocketAddress
  private let seed: UInt64
  private var isOver = false
  private var live: [TCPConnection] = []

  var summary: String {
    let faults = counts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
    return "\(connections) connections, \(answers) answers, faults \(faults)"
  }

  init(port: UInt16, seed: UInt64) {
    server = SocketAddress(.loopback, port: port)
    self.seed = seed
  }

  /// Runs the clients for so long; `begin` lets others use the loop and the relay that only delays
  /// and breaks off, `end` is called when the time is over and before connections are closed.
  func run(
    for duration: Duration, clients: Int,
    alongside begin: (EventLoop, SocketAddress) -> Void = { _, _ in },
    atEnd end: @escaping () -> Void = {}
  ) throws {
    try LoopHarness.run(watchdog: duration + .seconds(90)) { loop, _ in
      let faults = { kinds in
        ChaosRelay.Faults(
          longestDelay: .milliseconds(2), largestPiece: 64, bytesBetweenFaults: 400, kinds: kinds)
      }
      let breaking = try ChaosRelay(
        to: server, on: loop, seed: seed, faults: faults([.cut, .reset]))
      let corrupting = try ChaosRelay(
        to: server, on: loop, seed: seed &+ 1, faults: faults(ChaosRelay.Fault.allCases))
      for number in 0..<clients {
        let random = SplitMix64(seed: seed &+ UInt64(number) &+ 2)
        let isHonest = number.isMultiple(of: 2)
        self.begin((isHonest ? breaking : corrupting).address, isHonest, random, on: loop)
      }
      begin(loop, breaking.address)
      LoopTimer.after(duration, on: loop) { [self] _ in
        isOver = true
        end()
        for connection in live { connection.closeGracefully(within: .milliseconds(500)) }
        LoopTimer.after(.seconds(1), on: loop) { [self] _ in
          counts = breaking.counts.merging(corrupting.counts) { $0 + $1 }
          breaking.close()
          corrupting.close()
        }
      }
    }
  }

  private func begin(
    _ relay: SocketAddress, _ isHonest: Bool, _ random: SplitMix64, on loop: EventLoop
  ) {
    guard !isOver else { return }
    TCPConnection.connect(to: relay, on: loop) { [self] result in
      guard case .success(let connection) = result else {
        return again(relay, isHonest, random, on: loop)
      }
      connections += 1
      live.append(connection)
      let client = SoakClient(random)
      connection.start(
        .init(
          onData: { [self] connection, bytes in
            do throws(ProtocolViolation) {
              answers += try client.take(bytes)
              if !isOver, client.isSatisfied { client.ask(connection) }
            } catch {
              // On a network that corrupts nothing every answer must be right.
              if isHonest { complaints.append("\(error)") }
              connection.close()
            }
          },
          onClose: { [self] connection, _ in
            live.removeAll { $0 === connection }
            again(relay, isHonest, client.random, on: loop)
          }))
      if isOver { connection.close() } else { client.ask(connection) }
    }
  }

  private func again(
    _ relay: SocketAddress, _ isHonest: Bool, _ random: SplitMix64, on loop: EventLoop
  ) {
    guard !isOver else { return }
    var random = random
    LoopTimer.after(.milliseconds(random.below(20)), on: loop) { [self] _ in
      begin(relay, isHonest, random, on: loop)
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
