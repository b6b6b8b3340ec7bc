import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import Testing

@testable import TestTaskServerCore

/// Single decisions of the core, in plain calls.
@Suite struct ServerCoreTests {
  private static let second: UInt64 = 1_000_000_000
  private static let fast: [UInt8] = [2, 0x1A, 0]

  private func core(_ change: (inout Configuration) -> Void = { _ in }) -> ServerCore {
    var values = Configuration()
    change(&values)
    return ServerCore(values, descriptorRoom: 100)
  }

  private func receive(
    _ bytes: [UInt8], from place: Int, _ core: inout ServerCore, at now: UInt64 = 0
  ) -> Int {
    core.received(
      bytes.span.bytes, from: place, output: OutputState(unsent: 0, writable: 65_535), at: now)
  }

  private func takeActions(_ core: inout ServerCore) -> [ServerAction] {
    var actions: [ServerAction] = []
    while !core.actions.isEmpty { actions.append(core.actions.removeFirst()) }
    return actions
  }

  private func reasons(_ actions: [ServerAction]) -> [DisconnectReason] {
    actions.compactMap { if case .leave(let departure) = $0 { departure.reason } else { nil } }
  }

  private func connect(_ core: inout ServerCore, at now: UInt64 = 0) throws -> Int {
    let place = core.connected(peer: "peer", at: now)
    _ = takeActions(&core)
    return try #require(place)
  }

  @Test func `a client that fills every read lets others have their turn`() throws {
    var core = core()
    let place = try connect(&core)
    // One large frame, which fills the read.
    let content = [UInt8](repeating: 0, count: 65_530)
    var frame: [UInt8] = [0x1A, 0, 0x2A]
    Varint32.append(UInt32(content.count - 3), to: &frame)
    frame += content.dropFirst(3)
    var bytes: [UInt8] = []
    Varint32.append(UInt32(frame.count), to: &bytes)
    bytes += frame
    #expect(bytes.count >= 65_536)
    #expect(receive(bytes, from: place, &core) == 1)
    var actions = takeActions(&core)
    #expect(actions.contains { if case .pause(place) = $0 { true } else { false } })
    #expect(
      actions.contains { if case .wakeNextTurn(.restingClients) = $0 { true } else { false } })
    core.woke(.restingClients, at: 0) { _ in Traffic() }
    actions = takeActions(&core)
    #expect(actions.contains { if case .resume(place) = $0 { true } else { false } })
  }

  @Test func `half frames count in what all hold, and who holds most of one leaves over the bound`()
    throws
  {
    var core = core { $0.totalWriteBufferBytes = 100_000 }
    let places = [try connect(&core), try connect(&core), try connect(&core)]
    let half = [0xFF, 0xFF, 0x03] + [UInt8](repeating: 0x2A, count: 60_000)
    _ = receive([5, 0x22], from: places[2], &core)
    #expect(reasons(takeActions(&core)) == [])
    _ = receive(half, from: places[0], &core)
    #expect(core.memory.total >= 60_000)
    #expect(reasons(takeActions(&core)) == [])
    _ = receive(half, from: places[1], &core)
    #expect(reasons(takeActions(&core)) == [.buffer])
    #expect(core.clientCount == 2, "a small half frame is nobody's fault")
    #expect(core.memory.total < 100_000 && core.isConsistent)
  }

  @Test func `a look that comes late only observes, and its lateness counts for nothing`() throws {
    var core = core {
      $0.idleTimeoutSeconds = 1
      $0.partialFrameTimeoutSeconds = 1
    }
    let (idle, half) = (try connect(&core), try connect(&core))
    _ = receive([2, 0x1A], from: half, &core)
    var read: UInt64 = 0
    func sweep(_ core: inout ServerCore, at now: UInt64) -> [DisconnectReason] {
      core.woke(.sweep, at: now) { place in
        Traffic(bytesRead: place == idle ? read : 2, bytesWritten: 0, unsent: 0)
      }
      return reasons(takeActions(&core))
    }
    #expect(sweep(&core, at: Self.second / 10) == [])
    // It stood still for five seconds; what has come meanwhile is read after this look.
    #expect(sweep(&core, at: 5 * Self.second) == [])
    read = 3
    #expect(receive([0], from: half, &core) == 1)
    #expect(sweep(&core, at: 5 * Self.second + Self.second / 10) == [])
    // Silence that goes on is silence.
    #expect(sweep(&core, at: 6 * Self.second) == [], "late again, as a busy server's may be")
    #expect(sweep(&core, at: 6 * Self.second + Self.second / 10).isEmpty)
    for step in 2...30 {
      _ = sweep(&core, at: 6 * Self.second + UInt64(step) * Self.second / 10)
    }
    #expect(core.clientCount == 0)
  }

  @Test func `an end that a reset followed is the end, but for whom it would not have ended`()
    throws
  {
    for halfClose in [false, true] {
      var core = core { $0.halfClose = halfClose }
      let (idle, sleeper, half) = (try connect(&core), try connect(&core), try connect(&core))
      _ = receive([4, 0x22, 2, 8, 100], from: sleeper, &core)
      _ = receive([2, 0x1A], from: half, &core)
      _ = takeActions(&core)
      for place in [idle, sleeper, half] { core.closed(place, .ended, unsent: 0, at: 0) }
      let expected: [DisconnectReason] = [.eof, halfClose ? .reset : .eof, .violation]
      #expect(reasons(takeActions(&core)) == expected)
      #expect(core.lingeringCount == 0 && core.isConsistent)
    }
  }

  @Test func `a slow request counts the clients of other processes, once a read`() throws {
    var core = core()
    var looks = 0
    var published: [Int] = []
    core.sharedCount = SharedCount(
      publish: { published.append($0) },
      others: {
        looks += 1
        return looks == 1 ? 41 : 7
      })
    let place = try connect(&core)
    #expect(receive(Self.fast, from: place, &core) == 1)
    #expect(looks == 0, "a fast request asks nobody")
    let slow: [UInt8] = [4, 0x22, 2, 8, 0]
    #expect(receive(slow + Self.fast + slow, from: place, &core) == 1)
    #expect(receive(slow, from: place, &core) == 0)
    #expect(looks == 2)
    var counts: [UInt32] = []
    while let answer = core.nextAnswer(at: 0) { counts.append(answer.connectedClients) }
    #expect(counts == [42, 42, 8])
    core.closed(try connect(&core), .reset, unsent: 0, at: 0)
    core.closed(place, .ended, unsent: 0, at: 0)
    #expect(published == [1, 2, 1, 0])
  }

  @Test func `a server that hands over serves new clients until its drain begins`() throws {
    var core = core()
    core.sharesListeners = true
    let old = try connect(&core)
    core.signalled(15, named: "SIGTERM", at: 0) { _ in Traffic() }
    var actions = takeActions(&core)
    #expect(
      actions.contains {
        if case .wake(.endOfHandOver, at: 250_000_000) = $0 { true } else { false }
      })
    #expect(actions.contains { if case .leaveToOthers = $0 { true } else { false } })
    #expect(!actions.contains { if case .stopListening = $0 { true } else { false } })
    let new = try connect(&core, at: 1)
    #expect(receive(Self.fast, from: new, &core) == 1)
    #expect(receive(Self.fast, from: old, &core) == 1)
    core.woke(.endOfHandOver, at: 250_000_000) { _ in Traffic() }
    actions = takeActions(&core)
    #expect(reasons(actions) == [.shutdown, .shutdown])
    #expect(actions.contains { if case .stopListening = $0 { true } else { false } })
    #expect(core.connected(peer: "late", at: 250_000_000) == nil)
    core.woke(.endOfHandOver, at: 250_000_001) { _ in Traffic() }
    #expect(
      takeActions(&core).contains { if case .stopListening = $0 { true } else { false } } == false)
  }

  @Test(arguments: [false, true])
  func `half a frame that a drain does not look at any more is no violation`(
    halfClose: Bool
  ) throws {
    var core = core { $0.halfClose = halfClose }
    let place = try connect(&core)
    _ = receive([4, 0x22, 2, 8, 1, 4, 0x22], from: place, &core)
    #expect(core.memory.total > 0)
    core.signalled(15, named: "SIGTERM", at: 0) { _ in Traffic() }
    #expect(core.memory.total == 0)
    // What completes it is thrown away.
    #expect(receive([2, 8, 1], from: place, &core) == 0)
    core.ended(place, at: 0)
    let reasons = reasons(takeActions(&core))
    guard halfClose else { return #expect(reasons == [.eof]) }
    // It still gets the answer that is due.
    #expect(reasons == [])
    let answer = core.nextAnswer(at: Self.second)
    #expect(answer?.place == place)
    core.answered(place, at: Self.second)
    #expect(self.reasons(takeActions(&core)) == [.shutdown])
  }

  @Test func `nobody is to send new clients from the first signal on, in a hand-over too`() {
    var core = core()
    core.sharesListeners = true
    #expect(core.complaint == nil)
    core.signalled(15, named: "SIGTERM", at: 0) { _ in Traffic() }
    #expect(core.complaint == "draining" && !core.isDraining)
  }
}
