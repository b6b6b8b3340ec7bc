import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto

@testable import TestTaskServerCore

/// A server with up to two clients at a time: the core that ships, and a model of what is around it,
/// the shell, the connections, the kernel and the clock.
///
/// Time passes in units of half a second, and timers fire in any order, late too.
struct ServerWorld {
  enum Piece: CaseIterable {
    case fast, threeFast, slow, slowLong, half, much, violation

    var bytes: [UInt8] {
      switch self {
      case .fast: [2, 0x1A, 0]
      case .threeFast: [2, 0x1A, 0, 2, 0x1A, 0, 2, 0x1A, 0]
      case .slow: [4, 0x22, 2, 8, 1]
      case .slowLong: [4, 0x22, 2, 8, 100]
      case .half: [2]
      // Half a frame that is larger than any request.
      case .much: [0xFF, 0x3F] + [UInt8](repeating: 0x2A, count: 1_100)
      // An answer is due before it.
      case .violation: [2, 0x1A, 0, 0]
      }
    }

    var fastRequests: Int {
      switch self {
      case .fast, .violation: 1
      case .threeFast: 3
      case .slow, .slowLong, .half, .much: 0
      }
    }
  }

  enum Event {
    case connects
    case sends(Int, Piece)
    case takesAnswers(Int)
    case ends(Int)
    case resets(Int)
    case lingeringCloses(UInt64)
    case timePasses
    case timer(Wakeup)
    case nextTurn
    case signal
  }

  enum Broken: Error {
    case sum, clientCount, unpaired, leftTwice, wroteAfterLeaving, stuckUnread, answerLost
    case falseViolation, dueAnswerLost, sleeperKept, doesNotEnd, endedTwice, connectedInDrain,
      endedEarly
  }

  struct Connection: Hashable {
    var unsent = 0
    var isFilled = false
    var isReading = true
    var hasEnded = false
    var piecesSent = 0
    var fastRequests = 0
    var fastAnswers = 0
    /// When its sleeping requests are due.
    var sleeping: [UInt64] = []
  }

  static let unit: UInt64 = 500_000_000

  static func configuration(halfClose: Bool) -> Configuration {
    var values = Configuration()
    values.halfClose = halfClose
    values.maxConnections = 2
    // Filled by the second answer.
    values.writeBufferBytes = 768
    // One client may hold much of a frame, and not two.
    values.totalWriteBufferBytes = 1_300
    values.maxSleepingRequestsPerConnection = 1
    values.drainTimeoutSeconds = 1
    return values
  }

  let mutation: ServerMutation?
  private let mostConnects: Int
  private let mostPieces: Int
  private(set) var core: ServerCore
  private var now: UInt64 = 10 * unit
  private var connections: [Int: Connection] = [:]
  private var lingering: [UInt64: Connection] = [:]
  private var connects = 0
  private var turnedAway = 0
  private var disconnects = 0
  private var signals = 0
  private var requests: UInt64 = 0
  /// When timers are due.
  private var timers: [Wakeup: UInt64] = [:]
  private var turns: [Wakeup] = []
  private(set) var hasEnded = false
  private var broken: Broken?
  /// Whether the drain had begun before the present event.
  private var wasDraining = false

  /// - Parameters:
  ///   - halfClose: As the setting.
  ///   - mutation: A fault to put in.
  ///   - clients: The most that connect, over all.
  ///   - pieces: The most that each of them sends.
  ///   - sharesListeners: Whether its end begins with a hand-over.
  init(
    halfClose: Bool, _ mutation: ServerMutation? = nil, clients: Int, pieces: Int,
    sharesListeners: Bool = false
  ) {
    self.mutation = mutation
    mostConnects = clients
    mostPieces = pieces
    core = ServerCore(Self.configuration(halfClose: halfClose), descriptorRoom: 4)
    core.sharesListeners = sharesListeners
    core.readPerTurn = Piece.threeFast.bytes.count
  }

  // MARK: What may happen

  var possible: [Event] {
    guard !hasEnded else { return [] }
    var events: [Event] = signals < 2 ? [.signal] : []
    if !core.isDraining, connects + turnedAway < mostConnects { events.append(.connects) }
    for (place, connection) in connections.sorted(by: { $0.key < $1.key }) {
      events.append(.resets(place))
      if connection.unsent > 0 { events.append(.takesAnswers(place)) }
      guard connection.isReading, !connection.hasEnded else { continue }
      events.append(.ends(place))
      guard connection.piecesSent < mostPieces else { continue }
      events += Piece.allCases.map { .sends(place, $0) }
    }
    events += lingering.keys.sorted().map { .lingeringCloses($0) }
    if !turns.isEmpty { events.append(.nextTurn) }
    events += Wakeup.allCases.filter { timers[$0].map { $0 <= now } ?? false }.map { .timer($0) }
    // A timer is late by a unit at most, but the answers of a turn are not.
    let isOverdue = timers.values.contains { $0 < now } || !turns.isEmpty
    if !isOverdue { events.append(.timePasses) }
    return events
  }

  struct Key: Hashable {
    var clients: [ClientKey]
    var lingering: Int
    var timers: [UInt64?]
    var turns: [Wakeup]
    var counts: [Int]
    var drain: [UInt64]
    var hasEnded: Bool
  }

  struct ClientKey: Hashable {
    var connection: Connection
    var backpressure: Backpressure
    var waiting: Int
    var partial: Int
    var held: Int
    var takesNothing: Bool
    var hasProgress: Bool
  }

  /// Times are from now on, and what has gone for good is forgotten.
  var key: Key {
    func fromNow(_ time: UInt64?) -> UInt64? {
      time.map { $0 > now + 40 * Self.unit ? 99 : $0 &- now }
    }
    let clients = connections.compactMap { place, connection -> ClientKey? in
      guard let client = core.clients[place] else { return nil }
      var connection = connection
      connection.sleeping = connection.sleeping.compactMap { fromNow($0) }
      connection.fastAnswers -= connection.fastRequests
      connection.fastRequests = 0
      return ClientKey(
        connection: connection, backpressure: client.backpressure,
        waiting: client.reader.heldBytes, partial: client.reader.partialFrameBytes,
        held: core.memory.bytes(of: place), takesNothing: client.activity.takesNothing(at: now),
        hasProgress: client.activity.lastProgress != nil)
    }
    let began = signals > 0 ? core.drain.deadline &- now : 0
    return Key(
      // Which client is which makes no difference.
      clients: clients.sorted { $0.hashValue < $1.hashValue }, lingering: lingering.count,
      timers: Wakeup.allCases.map { fromNow(timers[$0]) },
      turns: turns,
      counts: [connects + turnedAway, signals, core.rejections.count],
      drain: [began], hasEnded: hasEnded)
  }

  // MARK: What happens

  mutating func take(_ event: Event) throws {
    broken = nil
    wasDraining = core.isDraining
    switch event {
    case .connects: connect()
    case .sends(let place, let piece): send(piece, from: place)
    case .takesAnswers(let place): takeAnswers(place)
    case .ends(let place):
      connections[place]?.hasEnded = true
      core.ended(place, at: now)
      perform()
    case .resets(let place): close(place, .reset)
    case .lingeringCloses(let number):
      lingering[number] = nil
      if mutation != .forgetsLingering { core.lingeringClosed() }
      perform()
    case .timePasses: now += Self.unit
    case .timer(let wakeup):
      timers[wakeup] = nil
      wake(wakeup)
    case .nextTurn: takeTurn()
    case .signal:
      signals += 1
      core.signalled(15, named: "SIGTERM", at: now, look: look)
      perform()
    }
    if let broken { throw broken }
    try check(isSwept: { if case .timer(.sweep) = event { true } else { false } }())
  }

  private mutating func connect() {
    if core.isDraining { broken = .connectedInDrain }
    if let place = core.connected(peer: "peer", at: now) {
      connects += 1
      connections[place] = Connection()
    } else {
      turnedAway += 1
    }
    perform()
  }

  private mutating func send(_ piece: Piece, from place: Int) {
    guard let connection = connections[place] else { return }
    // Whatever followed half a frame would be part of it.
    let isPart = piece == .half || piece == .much
    connections[place]?.piecesSent += isPart ? mostPieces : 1
    let before = core.requestCount
    let output = state(of: connection)
    let held = core.memory.bytes(of: place)
    let answers = core.received(piece.bytes.span.bytes, from: place, output: output, at: now)
    requests += core.requestCount - before
    if !core.isDraining { connections[place]?.fastRequests += piece.fastRequests }
    if mutation == .actsBeforeItAnswers { perform() }
    write(answers, to: place)
    if piece == .slow { noteSleep(of: place, until: now + 2 * Self.unit) }
    if piece == .slowLong { noteSleep(of: place, until: now + 200 * Self.unit) }
    if mutation == .countsAfterLeaving, core.clients[place] == nil {
      core.memory.enter(place)
      core.memory.update(place, holds: held + answers * FastAnswer.byteCount)
    }
    perform()
  }

  /// The core tells nobody that it has put a request to sleep.
  private mutating func noteSleep(of place: Int, until deadline: UInt64) {
    guard let owner = core.clients.owner(place), let connection = connections[place],
      core.sleeping.sleeping(of: owner) > connection.sleeping.count
    else { return }
    connections[place]?.sleeping.append(deadline)
  }

  private func state(of connection: Connection) -> OutputState {
    let high = core.configuration.outputLimits.highWaterMark
    return OutputState(
      unsent: connection.unsent,
      writable: connection.isFilled ? 0 : max(0, high - connection.unsent))
  }

  private mutating func write(_ answers: Int, to place: Int) {
    guard answers > 0 else { return }
    guard connections[place] != nil else { return broken = .wroteAfterLeaving }
    connections[place]?.fastAnswers += answers
    write(bytes: answers * FastAnswer.byteCount, to: place)
  }

  private mutating func write(bytes: Int, to place: Int) {
    guard var connection = connections[place] else { return }
    connection.unsent += bytes
    if connection.unsent > core.configuration.outputLimits.highWaterMark {
      connection.isFilled = true
    }
    connections[place] = connection
    if connection.isFilled { core.filled(place, unsent: connection.unsent) }
  }

  private mutating func takeAnswers(_ place: Int) {
    guard var connection = connections[place] else { return }
    let wasFilled = connection.isFilled
    connection.unsent = 0
    connection.isFilled = false
    connections[place] = connection
    guard wasFilled else { return }
    if mutation == .dropsWaiting { core.clients.update(place) { $0.reader.dropAll() } }
    let before = core.requestCount
    let answers = core.drained(place, output: state(of: connection), at: now)
    requests += core.requestCount - before
    write(answers, to: place)
    perform()
  }

  private mutating func close(_ place: Int, _ end: ConnectionEnd) {
    core.closed(place, end, unsent: connections[place]?.unsent ?? 0, at: now)
    // A second word of the same end must change nothing.
    core.closed(place, end, unsent: 0, at: now)
    perform()
  }

  private var look: (Int) -> Traffic {
    { [connections] place in Traffic(unsent: connections[place]?.unsent ?? 0) }
  }

  private mutating func wake(_ wakeup: Wakeup) {
    if wakeup.answersFirst { answerDue() }
    core.woke(wakeup, at: now, look: look)
    perform()
  }

  private mutating func answerDue() {
    while let answer = core.nextAnswer(at: now) {
      guard var connection = connections[answer.place],
        let index = connection.sleeping.firstIndex(where: { $0 <= now })
      else { return broken = .sum }
      connection.sleeping.remove(at: index)
      connections[answer.place] = connection
      write(bytes: 5, to: answer.place)
      if mutation != .keepsWhoIsAnswered { core.answered(answer.place, at: now) }
      perform()
    }
    perform()
  }

  private mutating func takeTurn() {
    let due = turns
    turns = []
    for wakeup in due { wake(wakeup) }
  }

  // MARK: The shell

  private mutating func perform() {
    while !core.actions.isEmpty { perform(core.actions.removeFirst()) }
    // What a drain has dropped is what would sleep longest.
    for (place, connection) in connections {
      guard let owner = core.clients.owner(place) else { continue }
      let count = core.sleeping.sleeping(of: owner)
      connections[place]?.sleeping = Array(connection.sleeping.sorted().prefix(count))
    }
  }

  private mutating func perform(_ action: ServerAction) {
    switch action {
    case .pause(let place): connections[place]?.isReading = false
    case .resume(let place):
      if mutation != .neverResumes { connections[place]?.isReading = true }
    case .serve(let place, _): if connections[place] == nil { broken = .unpaired }
    case .readProxyHeader, .secure: broken = .unpaired
    case .setLimits, .hastenLingering, .report, .notify, .leaveToOthers, .stopListening: break
    case .leave(let departure): leave(departure)
    case .wake(.endOfDrain, _) where mutation == .waitsForEver: break
    case .wake(let wakeup, let time): timers[wakeup] = time
    case .wakeNextTurn(.restingClients) where mutation == .neverEndsATurn: break
    case .wakeNextTurn(let wakeup): turns.append(wakeup)
    case .log: break
    case .stop:
      if hasEnded { broken = .endedTwice }
      if !connections.isEmpty { broken = .endedEarly }
      hasEnded = true
    case .exit: hasEnded = true
    }
  }

  private mutating func leave(_ departure: Departure) {
    guard let connection = connections.removeValue(forKey: departure.place) else {
      return broken = .leftTwice
    }
    disconnects += 1
    // A drain looks at no bytes.
    if wasDraining, departure.reason == .violation { broken = .falseViolation }
    let isCut = departure.reason == .shutdown && signals < 2
    if isCut, connection.sleeping.contains(where: { $0 <= core.drain.deadline }) {
      broken = .dueAnswerLost
    }
    if departure.ending != .done { lingering[departure.number] = connection }
    if mutation == .forgetsToTakeOff {
      core.memory.enter(departure.place)
      core.memory.update(departure.place, holds: 24)
    }
    if mutation == .keepsSleepers {
      core.sleeping.add(core.sleeping.enter(), until: .max, clients: 1)
    }
  }

  // MARK: What must hold

  private func check(isSwept: Bool) throws {
    guard core.isConsistent, core.lingeringCount == lingering.count else { throw Broken.sum }
    guard core.clientCount == connections.count else { throw Broken.clientCount }
    guard connects - disconnects == connections.count else { throw Broken.unpaired }
    guard core.requestCount == requests else { throw Broken.sum }
    var held = 0
    var asleep = 0
    for (place, connection) in connections {
      guard let client = core.clients[place] else { throw Broken.clientCount }
      held += core.memory.bytes(of: place)
      asleep += core.sleeping.sleeping(of: client.owner)
      if isSwept, core.memory.bytes(of: place) != connection.unsent + client.reader.heldBytes {
        throw Broken.sum
      }
      try check(connection, client)
    }
    guard core.memory.total == held, core.sleeping.count == asleep else { throw Broken.sum }
    if core.isDraining, !hasEnded { try checkEnd() }
  }

  private func check(_ connection: Connection, _ client: Client) throws {
    if core.isDraining {
      // Who is still there waits for an answer that is due in time, and is read to notice its end.
      guard core.sleeping.sleeping(of: client.owner) > 0 else { throw Broken.sleeperKept }
      guard connection.isReading || connection.hasEnded else { throw Broken.stuckUnread }
      return
    }
    if client.reader.hasWaiting {
      // Only what has filled the connection makes requests wait, and its draining goes on with them.
      guard connection.isFilled else { throw Broken.stuckUnread }
    } else {
      guard connection.fastAnswers == connection.fastRequests else { throw Broken.answerLost }
      if connection.hasEnded, core.sleeping.sleeping(of: client.owner) == 0 {
        throw Broken.sleeperKept
      }
    }
    guard
      connection.isReading || connection.isFilled || connection.hasEnded
        || turns.contains(.restingClients)
    else { throw Broken.stuckUnread }
  }

  /// If nothing comes any more but timers and turns, the server is gone when its time is over.
  private func checkEnd() throws {
    var world = self
    for _ in 0..<12 where !world.hasEnded {
      while !world.turns.isEmpty, !world.hasEnded { world.takeTurn() }
      for wakeup in [Wakeup.dueAnswers, .endOfDrain] {
        guard let time = world.timers[wakeup], time <= world.now else { continue }
        world.timers[wakeup] = nil
        world.wake(wakeup)
      }
      while !world.turns.isEmpty, !world.hasEnded { world.takeTurn() }
      world.now += Self.unit
      if let broken = world.broken { throw broken }
    }
    guard world.hasEnded, world.connects == world.disconnects else { throw Broken.doesNotEnd }
  }
}
