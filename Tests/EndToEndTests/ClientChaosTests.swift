import TestTaskTestSupport
import TestTaskProto
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The client in periodic mode against a server that answers late, torn, wrongly or not at all.
///
/// `UVNET_CHAOS_SECONDS` makes it longer than the few seconds of an ordinary run, and
/// `UVNET_CHAOS_SEED` repeats the chaos of another run: every run prints its seeds.
@Suite struct ClientChaosTests {
  private static let answer = Message.fastResponse(currentDateTime: "19851019T050107.333").frame
  private static let request = Message.fast.frame

  private static func variable(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }

  @Test(arguments: variable("UVNET_CHAOS_SEED").map { [$0] } ?? [1, .random(in: 2...9999)])
  func `two requests are never in flight, nor two connections open`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let seconds = Self.variable("UVNET_CHAOS_SECONDS") ?? 4
    print("client chaos: seed \(seed), \(seconds) s")
    let end = ContinuousClock.now.advanced(by: .seconds(seconds))
    let peer = try RawSocket.listen()
    let folder = try TemporaryFolder()
    let log = folder.path + "/log"
    // Nobody reads its output meanwhile, and a full pipe would hold it up.
    let client = try Program(
      "testtask-client",
      ["127.0.0.1:\(peer.port)", "--json", "--reconnect", "1", "--log-file", log], input: .pipe)
    try client.write("log off\nevery 10 fast\nsleep 100000\n")
    var (answered, connections) = (0, 0)
    var lastEnd: ContinuousClock.Instant?
    while ContinuousClock.now < end {
      let connection = try peer.accept()
      if let lastEnd { #expect(ContinuousClock.now - lastEnd >= .seconds(1), "seed \(seed)") }
      let conversation = try converse(over: connection, &random, seed: seed, until: end)
      answered += conversation.answered
      connections += 1
      lastEnd = conversation.ended
    }
    client.send(signal: SIGINT)
    let ending = try client.wait()
    #expect(ending == .exit(130))
    let lines = try readFile(log).split(separator: "\n")
    #expect(lines.count { $0.contains(#""event":"received""#) } == answered, "seed \(seed)")
    print("client chaos: seed \(seed), \(answered) answers over \(connections) connections")
    var inFlight = 0
    for line in lines {
      if line.contains(#""event":"sent""#) { inFlight += 1 }
      if line.contains(#""event":"received""#) || line.contains(#""event":"lost""#) {
        inFlight -= 1
      }
      #expect(inFlight == 0 || inFlight == 1, "seed \(seed)")
    }
  }

  /// Answers requests until a fault ends the connection; returns how many were answered rightly,
  /// and a moment just before the end.
  private func converse(
    over connection: RawSocket, _ random: inout SplitMix64, seed: UInt64,
    until end: ContinuousClock.Instant
  ) throws -> (answered: Int, ended: ContinuousClock.Instant) {
    var answered = 0
    while true {
      // By now several ticks may have passed: had they sent anything, it would be here too.
      usleep(UInt32(random.below(40_000)))
      let bytes = try connection.receiveSome()
      #expect(bytes == Self.request, "seed \(seed)")
      let ended = ContinuousClock.now
      let fault = ContinuousClock.now < end ? random.below(120) : 0
      switch fault {
      case 0:
        connection.reset()
        return (answered, ended)
      case 1: return (answered, ended)  // The socket is closed as it is dropped.
      case 2:
        try connection.send([0x04, 0x12, 0x02, 0x08, 0x03])
        return (answered, ended)
      case 3:
        try connection.send(Array(Self.answer.dropLast(5)))
        return (answered, ended)
      case 4:
        try connection.send(Self.answer + Self.answer)
        return (answered + 1, ended)
      case 5...20:
        for byte in Self.answer { try connection.send([byte]) }
      default: try connection.send(Self.answer)
      }
      answered += 1
    }
  }
}
