import Testing
import UVNetTestKit

@testable import TestTaskServer

/// Every order in which clients, signals and timers can come to a server that ends.
///
/// `Drain`, `DrainStep` and `SleepQueue` are the server's own; around them stands a model of what
/// the server does at each event. Time passes in units, and timers fire in any order, late too.
@Suite struct DrainModelTests {
  @Test(arguments: [false, true])
  func `every drain ends in time, with what is due and a disconnect for each connect`(
    halfClose: Bool
  ) throws {
    let space = try Self.explore(halfClose: halfClose)
    print("drain, half_close \(halfClose): \(space)")
    // Fewer would mean that something is not tried any more.
    #expect(space.states > (halfClose ? 6_000 : 1_800), "\(space)")
    #expect(space.transitions > 4 * space.states, "\(space)")
    #expect(space.depth > 8, "\(space)")
  }

  @Test(arguments: DrainMutation.allCases)
  func `a drain with a fault in it is found out`(_ mutation: DrainMutation) throws {
    let violation = try #require(throws: StateSpace.Violation.self) {
      try Self.explore(halfClose: true, mutation)
    }
    let broken = try #require(violation.error as? DrainWorld.Broken)
    #expect(mutation.breaks.contains(broken), "\(violation)")
  }

  @Test func `a drain as long as can be does not begin in the past`() {
    var drain = Drain()
    #expect(drain.signalled(15, at: .max - 1, patience: 1_000_000_000) == .begin)
    #expect(drain.deadline == .max)
  }

  private static func explore(
    halfClose: Bool, _ mutation: DrainMutation? = nil
  ) throws -> StateSpace {
    try StateSpace.explore(
      from: DrainWorld(halfClose: halfClose, mutation), limit: 200_000, events: \.possible,
      key: \.key
    ) { world, event in try world.take(event) }
  }
}

/// A mistake that the server could make in a drain.
enum DrainMutation: CaseIterable {
  /// Answers that are due at the deadline itself are left to chance.
  case abandonsWithoutAnswering
  /// A client whose last sleep is over is kept.
  case keepsWhoIsAnswered
  /// Whoever sleeps is closed with the idle ones.
  case closesSleepers
  /// Nobody's time is ever up.
  case waitsForEver
  /// What lingers is forgotten when the last client has left.
  case forgetsLingering
  /// What sleeps beyond the deadline is not dropped.
  case dropsNothing
  /// A second signal is taken for another first.
  case ignoresSecondSignal

  var breaks: [DrainWorld.Broken] {
    switch self {
    case .abandonsWithoutAnswering: [.dueAnswerLost]
    case .keepsWhoIsAnswered: [.keptForNothing]
    case .closesSleepers: [.dueAnswerLost]
    case .waitsForEver: [.doesNotEnd]
    case .forgetsLingering: [.answerCutOff]
    case .dropsNothing: [.keptForNothing]
    case .ignoresSecondSignal: [.secondSignalUnheard]
    }
  }
}

/// A server with up to two clients, which each may have a request asleep and an answer unsent.
struct DrainWorld {
  enum Event: Hashable {
    case connects
    /// Its answer is written, and not taken yet.
    case asks(Int)
    case asksSlow(Int, UInt64)
    case takesAnswers(Int)
    case ends(Int)
    case resets(Int)
    case timePasses
    case sleepTimerFires
    case drainTimerFires
    case signal
  }

  enum Broken: Error {
    case dueAnswerLost, keptForNothing, doesNotEnd, answerCutOff, secondSignalUnheard, unpaired
    case connectedInDrain, endedTwice, endedEarly
  }

  struct Client: Hashable {
    var isConnected = true
    /// Left, with answers on their way.
    var isLingering = false
    var unsent = false
    var hasEnded = false
    /// When its sleeping requests are due.
    var sleeping: [UInt64] = []
    var owner: SleepQueue.Owner?
  }

  struct Key: Hashable {
    var clients: [Client]
    var drain: Drain
    var end: End?
    var timerIsSet: Bool
  }

  enum End: Hashable { case drained, exited }

  private static let patience: UInt64 = 2
  private static let mostClients = 2
  private static let lateness: UInt64 = 1

  private let halfClose: Bool
  private let mutation: DrainMutation?
  private var drain = Drain()
  private var queue = SleepQueue()
  private var clients: [Client] = []
  private var now: UInt64 = 0
  private var end: End?
  private var drainTimer: UInt64?
  private var connects = 0
  private var disconnects = 0

  init(halfClose: Bool, _ mutation: DrainMutation?) {
    self.halfClose = halfClose
    self.mutation = mutation
  }

  private var connected: [Int] { clients.indices.filter { clients[$0].isConnected } }
  private var lingering: Int { clients.count { $0.isLingering } }
  private var nextDue: UInt64? { connected.flatMap { clients[$0].sleeping }.min() }

  // MARK: What may happen

  var possible: [Event] {
    guard end == nil else { return [] }
    var events: [Event] = [.signal]
    if !drain.hasBegun, connected.count + lingering < Self.mostClients { events.append(.connects) }
    for number in clients.indices {
      let client = clients[number]
      if client.isConnected || client.isLingering { events.append(.resets(number)) }
      if client.unsent { events.append(.takesAnswers(number)) }
      guard client.isConnected, !client.hasEnded else { continue }
      events.append(.ends(number))
      guard !drain.hasBegun else { continue }
      events.append(.asks(number))
      if client.sleeping.count < 2 { events += [0, 1, 2, 3].map { .asksSlow(number, $0) } }
    }
    let overdue = [nextDue, drainTimer].compactMap(\.self).min().map { now >= $0 + Self.lateness }
    if overdue != true { events.append(.timePasses) }
    if let nextDue, nextDue <= now { events.append(.sleepTimerFires) }
    if let drainTimer, drainTimer <= now { events.append(.drainTimerFires) }
    return events
  }

  /// Times are from now on, and what has gone for good is forgotten.
  var key: Key {
    var relative = Drain()
    if drain.hasBegun {
      _ = relative.signalled(drain.signal ?? 0, at: drain.deadline + 10 - now, patience: 0)
    }
    let clients = clients.filter { $0.isConnected || $0.isLingering }.map { client in
      var client = client
      client.sleeping = client.sleeping.map { $0 + 10 - now }.sorted()
      client.owner = nil
      return client
    }
    // Which client is which makes no difference.
    return Key(
      clients: clients.sorted { "\($0)" < "\($1)" }, drain: relative, end: end,
      timerIsSet: drainTimer != nil)
  }

  // MARK: What the server does

  mutating func take(_ event: Event) throws {
    switch event {
    case .connects:
      guard !drain.hasBegun else { throw Broken.connectedInDrain }
      clients.removeAll { !$0.isConnected && !$0.isLingering }
      clients.append(Client(owner: queue.enter()))
      connects += 1
    case .asks(let number): clients[number].unsent = true
    case .asksSlow(let number, let seconds):
      clients[number].sleeping.append(now + seconds)
      if let owner = clients[number].owner { queue.add(owner, until: now + seconds, clients: 1) }
    case .takesAnswers(let number):
      clients[number].unsent = false
      // Of one that has left, the connection closes with that.
      if clients[number].isLingering { try closed(number) }
    case .ends(let number):
      clients[number].hasEnded = true
      if !(halfClose && sleeping(of: number) > 0) { try leave(number, byItself: true) }
    case .resets(let number):
      clients[number].unsent = false
      if clients[number].isConnected { depart(number) }
      try closed(number)
    case .timePasses: now += 1
    case .sleepTimerFires: try answerDue()
    case .drainTimerFires: try abandon()
    case .signal: try signalled()
    }
    try check()
  }

  private func sleeping(of number: Int) -> Int {
    clients[number].owner.map(queue.sleeping(of:)) ?? 0
  }

  private mutating func signalled() throws {
    let hadBegun = drain.hasBegun
    var order = drain.signalled(15, at: now, patience: Self.patience)
    if mutation == .ignoresSecondSignal { order = .begin }
    guard order == .begin else {
      for number in connected { depart(number) }
      return end = .exited
    }
    guard !hadBegun else { throw Broken.secondSignalUnheard }
    if mutation != .dropsNothing {
      let dropped = queue.drop(after: drain.deadline)
      let expected = connected.flatMap { clients[$0].sleeping }.count { $0 > drain.deadline }
      guard dropped == expected else { throw Broken.keptForNothing }
    }
    for number in clients.indices {
      clients[number].sleeping.removeAll { $0 > drain.deadline && mutation != .dropsNothing }
    }
    for number in connected {
      let step = DrainStep(
        unsent: clients[number].unsent ? 1 : 0,
        sleepingRequests: mutation == .closesSleepers ? 0 : sleeping(of: number))
      if step != .waitForSleeping { try leave(number) }
    }
    if mutation != .waitsForEver { drainTimer = drain.deadline }
    try endIfDrained()
  }

  private mutating func answerDue() throws {
    while let due = queue.popDue(at: now) {
      guard let number = connected.first(where: { clients[$0].owner == due.owner }),
        let place = clients[number].sleeping.firstIndex(where: { $0 <= now })
      else { throw Broken.dueAnswerLost }
      clients[number].sleeping.remove(at: place)
      clients[number].unsent = true
      guard sleeping(of: number) == 0, mutation != .keepsWhoIsAnswered else { continue }
      if drain.departure(whenAllAnswered: clients[number].hasEnded) != nil { try leave(number) }
    }
  }

  private mutating func abandon() throws {
    drainTimer = nil
    if mutation != .abandonsWithoutAnswering { try answerDue() }
    // Peers may do something here or nothing; nothing is the worst.
    guard drain.isAbandoned() else { return }
    for number in connected {
      guard clients[number].sleeping.allSatisfy({ $0 > drain.deadline }) else {
        throw Broken.dueAnswerLost
      }
      depart(number)
    }
    try stop()
  }

  /// Off the list, with its line in the log; what it is still to get is on its way.
  private mutating func leave(_ number: Int, byItself: Bool = false) throws {
    // In a drain nobody leaves with something due, but of its own will.
    if drain.hasBegun, !byItself, sleeping(of: number) > 0 { throw Broken.dueAnswerLost }
    depart(number)
    clients[number].isLingering = clients[number].unsent
    if !clients[number].isLingering { try closed(number) }
  }

  private mutating func depart(_ number: Int) {
    clients[number].isConnected = false
    clients[number].sleeping = []
    if let owner = clients[number].owner { queue.leave(owner) }
    disconnects += 1
  }

  private mutating func closed(_ number: Int) throws {
    clients[number].isLingering = false
    try endIfDrained()
  }

  private mutating func endIfDrained() throws {
    let lingering = mutation == .forgetsLingering ? 0 : lingering
    if drain.ends(clients: connected.count, lingering: lingering) {
      guard connected.isEmpty else { throw Broken.endedEarly }
      // Time is left: nobody's answer is to be cut off.
      guard self.lingering == 0 else { throw Broken.answerCutOff }
      try stop()
    }
  }

  private mutating func stop() throws {
    guard end == nil else { throw Broken.endedTwice }
    end = .drained
  }

  // MARK: What must hold

  private func check() throws {
    guard connects - disconnects == connected.count else { throw Broken.unpaired }
    guard end == nil || connects == disconnects else { throw Broken.unpaired }
    guard drain.hasBegun else { return }
    for number in connected where end == nil {
      // Who is still there waits for an answer that is due in time.
      guard sleeping(of: number) > 0, sleeping(of: number) == clients[number].sleeping.count,
        clients[number].sleeping.allSatisfy({ $0 <= drain.deadline })
      else { throw Broken.keptForNothing }
    }
    try checkEnd()
  }

  /// If nothing comes any more but timers, the server is gone when its time is over.
  private func checkEnd() throws {
    guard end == nil else { return }
    var world = self
    while world.now < world.drain.deadline {
      world.now += 1
      if let due = world.nextDue, due <= world.now { try world.answerDue() }
      if world.end != nil { return }
    }
    guard world.drainTimer != nil else { throw Broken.doesNotEnd }
    try world.abandon()
    guard world.end == .drained, world.connects == world.disconnects else {
      throw Broken.doesNotEnd
    }
  }
}
