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
    let servers = try SoakServer.all("[limits]\npartial_frame_timeout_seconds = 2\n")
    let before = try servers.map { try Self.observe($0.server, $0.connect) }
    let swarm = Swarm(servers.map(\.target), seed: seed)
    try swarm.run(for: .seconds(Int64(seconds)), clients: seconds < 20 ? 40 : 300)
    print("soak: seed \(seed), \(swarm.summary)")
    #expect(swarm.complaints.isEmpty, "seed \(seed)")
    #expect(swarm.answers.allSatisfy { $0 > 0 } && swarm.connections > 40, "seed \(seed)")
    for (soaked, before) in zip(servers, before) {
      try Self.check(soaked, before, isLong: seconds >= 20, seed: seed)
    }
  }

  /// Expects a server to be as it was before.
  private static func check(
    _ soaked: SoakServer, _ before: Observation, isLong: Bool, seed: UInt64
  ) throws {
    let server = soaked.server
    let accepted = try server.waitUntilNobodyIsConnected()
    let after = try observe(server, soaked.connect)
    #expect(after.descriptors == before.descriptors, "seed \(seed)")
    #expect(after.threads == "1", "seed \(seed)")
    if isLong {
      #expect(after.residentKiB < 4 * before.residentKiB, "\(before) \(after), seed \(seed)")
    }
    _ = try server.waitUntilNobodyIsConnected(after: accepted + 1)
    // One that was not harmed is served as ever, and alone.
    let client = try soaked.connect()
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
    let before = try Self.observe(servers.current, servers.current.connect)
    let clients = ClientFleet(seed: seed, interval: isLong ? 100 : 20)
    let swarm = Swarm([Swarm.Target(port: servers.port)], seed: seed)
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
    #expect(swarm.answers[0] > 0 && servers.restarts >= (isLong ? 3 : 1), "seed \(seed)")
    // In two seconds of a sanitizer's build ours may have had no time for one.
    if isLong { #expect(clients.answers > 0, "seed \(seed)") }

    let server = servers.current
    let accepted = try server.waitUntilNobodyIsConnected()
    let after = try Self.observe(server, server.connect)
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
  private static func observe(
    _ server: RunningServer, _ connect: () throws -> RawSocket
  ) throws -> Observation {
    let client = try connect()
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
