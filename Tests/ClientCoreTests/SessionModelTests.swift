import TestTaskProto
import Testing
import UVNetTestKit

@testable import TestTaskClientCore

/// Every order in which user, network and time can come to a session: not some of it, all of it.
///
/// Time passes in units of 10 ms, and the timer may be up to two of them late, so that everything
/// can come before it.
@Suite struct SessionModelTests {
  @Test(arguments: [(false, 4_000, 15), (true, 2_000, 12)])
  func `in every order of events at most one attempt and one request, and always a way on`(
    hasHalves: Bool, states: Int, transitionsEach: Int
  ) throws {
    let space = try Self.explore(from: SessionWorld(hasHalves: hasHalves))
    print("client session\(hasHalves ? ", half answers too" : ""): \(space)")
    // Fewer would mean that something is not tried any more.
    #expect(space.states > states, "\(space)")
    #expect(space.transitions > transitionsEach * space.states, "\(space)")
    #expect(space.depth > 8, "\(space)")
  }

  @Test(arguments: Mutation.allCases)
  func `a session with a fault in it is found out`(_ mutation: Mutation) throws {
    let world = SessionWorld(hasHalves: mutation == .overlooksHalf)
    let violation = try #require(throws: StateSpace.Violation.self) {
      try Self.explore(from: world, mutation)
    }
    let broken = try #require(violation.error as? SessionWorld.Broken)
    #expect(mutation.breaks.contains(broken), "\(violation)")
    #expect((1...8).contains(violation.events.count), "\(violation)")
  }

  private static func explore(
    from world: SessionWorld, _ mutation: Mutation? = nil
  ) throws -> StateSpace {
    try StateSpace.explore(from: world, limit: 100_000, events: \.possible, key: \.key) {
      world, event in try world.take(event, mutation)
    }
  }
}

/// A fault put between the session and its world, as a mistake in the session would look.
enum Mutation: CaseIterable {
  /// An end of a connection forgets to close it.
  case forgetsToClose
  /// A request is sent again.
  case sendsTwice
  /// A failed attempt is not repeated.
  case givesUp
  /// A skipped tick is logged and not counted.
  case losesCount
  /// An answer that nobody asked for is taken.
  case takesAnything
  /// The timer does nothing.
  case sleepsThroughTimer
  /// `disconnect` leaves the wish to connect as it was.
  case comesBack
  /// Half an answer is not noticed.
  case overlooksHalf

  var breaks: [SessionWorld.Broken] {
    switch self {
    case .forgetsToClose: [.secondAttempt, .notClosed]
    case .sendsTwice: [.secondRequest]
    case .givesUp: [.noWayOn]
    case .losesCount: [.miscounted]
    case .takesAnything: [.wrongAnswerTaken]
    case .sleepsThroughTimer: [.spinning]
    case .comesBack: [.unwanted]
    case .overlooksHalf: [.noWayOn]
    }
  }
}

/// A session, and what it would find around it: a network that does what the session says, and the
/// wishes of a user.
struct SessionWorld {
  enum Event: Hashable {
    case connect(Int?)
    case disconnect
    case send(RequestKind)
    case every(Int, RequestKind)
    case stop
    case reconnect(Int?)
    case timeout(Int?)
    case timePasses
    case timerFires
    case established
    case refused
    case lost
    /// The first bytes of an answer come.
    case began(Answer)
    case answered(Answer)
    case malformed
  }

  enum Broken: Error {
    case secondAttempt, secondRequest, sentWithoutConnection, closedNothing, notClosed
    case noWayOn, unwanted, tooEarly, spinning, miscounted, unlogged, wrongAnswerTaken
    case rightAnswerRefused, wrongState, tickNeitherSentNorSkipped, doesNotRecover, staleEventHeard
  }

  enum Network: Hashable { case nothing, attempting(Int), connected(Int) }

  /// All that has a say in what may come; ages are capped where nothing depends on more.
  struct Key: Hashable {
    var network: Network
    var inFlight: RequestKind?
    var requestAge: Int?
    var isWanted: Bool
    var target: Int?
    var reconnect: Int?
    var timeout: Int?
    var downAge: Int?
    var interval: Int?
    var periodicKind: RequestKind?
    var untilTick: Int?
    var half: Answer?
    var halfAge: Int?
  }

  private static let unit = Duration.milliseconds(10)
  private static let targets = [7, 8].map { Target(host: "127.0.0.1", port: $0) }
  private static let lateness = 2
  private static let halfLimit = Duration.milliseconds(30)
  private static let halfByteCount = 2
  private static let malformed = Violation(kind: .malformedMessage, offset: 0)

  /// Whether answers may come in two halves; then the user has fewer wishes, for time's sake.
  let hasHalves: Bool
  private static let wishesWithoutHalves: Set<Event> = [
    .connect(1), .reconnect(3), .every(1, .fast), .every(3, .fast), .timeout(4),
  ]

  init(hasHalves: Bool) { self.hasHalves = hasHalves }

  var session = Session(
    reconnectDelay: .milliseconds(20), answerTimeout: nil, connectTimeout: .seconds(5),
    incompleteAnswerTimeout: halfLimit)
  private var time = 1_000
  private var network = Network.nothing
  private var inFlight: RequestKind?
  /// The answer of which the first bytes have come, and since when.
  private var half: (answer: Answer, since: Moment)?
  private var isWanted = false
  /// Whether the log has told of an attempt, or of a connection, that has not ended.
  private var logged = Network.nothing

  private var now: Moment { Self.instant(time) }

  private static func instant(_ time: Int) -> Moment {
    Moment(unit * time)
  }

  private func age(_ instant: Moment) -> Int {
    time - Int(instant.sinceStart / Self.unit)
  }

  private static func units(_ duration: Duration?) -> Int? {
    duration.map { Int($0 / .milliseconds(10)) }
  }

  private static func duration(_ units: Int?) -> Duration? {
    units.map { .milliseconds(10 * $0) }
  }

  // MARK: What may happen

  var possible: [Event] {
    var events: [Event] = [
      .connect(0), .connect(1), .connect(nil), .disconnect, .send(.fast), .send(.slow(seconds: 1)),
      .every(1, .fast), .every(2, .slow(seconds: 1)), .every(3, .fast), .stop, .reconnect(2),
      .reconnect(3), .reconnect(nil), .timeout(2), .timeout(4), .timeout(nil),
    ]
    let overdue = session.deadline.map(age)
    if overdue ?? 0 < Self.lateness { events.append(.timePasses) }
    if let overdue, overdue >= 0 { events.append(.timerFires) }
    switch network {
    case .nothing: break
    case .attempting: events += [.established, .refused]
    case .connected:
      events += [.lost, .malformed]
      if let half {
        events.append(.answered(half.answer))
      } else {
        events += [
          .answered(.fast(serverTime: "")), .answered(.slow(connectedClients: 1)),
        ]
        if hasHalves { events.append(.began(.slow(connectedClients: 1))) }
      }
    }
    return hasHalves ? events.filter { !Self.wishesWithoutHalves.contains($0) } : events
  }

  var key: Key {
    let ticks = session.isConnected ? session.periodic?.next.map { -age($0) } : nil
    return Key(
      network: network, inFlight: inFlight,
      // The longest timeout, its lateness, and one more: all beyond is alike.
      requestAge: session.unanswered.map { min(age($0.sentAt), 4 + Self.lateness + 1) },
      isWanted: isWanted, target: session.target.flatMap(Self.targets.firstIndex),
      reconnect: Self.units(session.reconnectDelay), timeout: Self.units(session.answerTimeout),
      downAge: session.downSince.map { min(age($0), 3 + Self.lateness + 1) },
      interval: Self.units(session.periodic?.interval), periodicKind: session.periodic?.kind,
      untilTick: ticks, half: half?.answer,
      halfAge: half.map { min(age($0.since), 3 + Self.lateness + 1) })
  }

  // MARK: What happens

  mutating func take(_ event: Event, _ mutation: Mutation? = nil) throws {
    let before = session
    session.statistics = Statistics()
    var actions = try happen(event)
    switch mutation {
    case .forgetsToClose: actions.removeAll { $0 == .close }
    case .sendsTwice: actions += actions.filter { if case .send = $0 { true } else { false } }
    case .givesUp where event == .refused: _ = session.disconnect(at: now)
    case .losesCount: session.statistics.skipped = 0
    case .takesAnything:
      if case .answered = event, !session.isConnected {
        session = before
        session.statistics = Statistics()
        actions = []
      }
    case .sleepsThroughTimer where event == .timerFires:
      session = before
      session.statistics = Statistics()
      actions = []
    case .overlooksHalf:
      if case .began = event { session = before }
    case .comesBack where event == .disconnect && before.isConnected:
      session = before
      session.statistics = Statistics()
      actions = session.connectionLost(.closedByServer, at: now)
    default: break
    }
    try perform(actions, event, before)
    // What nobody asked for ends the connection.
    if case .answered(let answer) = event, !before.expects(answer), network != .nothing {
      throw Broken.wrongAnswerTaken
    }
    try checkState()
    try checkTicks(event, before, actions)
    try checkStaleEvents()
    try checkRecovery()
  }

  private mutating func happen(_ event: Event) throws -> [SessionAction] {
    switch event {
    case .connect(let number):
      do throws(CommandError) {
        let actions = try session.connect(to: number.map { Self.targets[$0] }, at: now)
        isWanted = true
        return actions
      } catch {
        guard session.target == nil, number == nil else { throw Broken.wrongState }
        return []
      }
    case .disconnect:
      isWanted = false
      return session.disconnect(at: now)
    case .send(let kind):
      let isPossible = session.state == .idle
      let actions = try? session.send(kind, at: now)
      guard (actions != nil) == isPossible else { throw Broken.wrongState }
      return actions ?? []
    case .every(let interval, let kind):
      return session.startPeriodic(kind, every: .milliseconds(10 * interval), at: now)
    case .stop: session.stopPeriodic()
    case .reconnect(let delay): session.setReconnectDelay(Self.duration(delay))
    case .timeout(let limit): session.setAnswerTimeout(Self.duration(limit))
    case .timePasses: time += 1
    case .timerFires: return session.advance(to: now)
    case .established:
      guard case .attempting(let target) = network else { break }
      network = .connected(target)
      return session.connected(at: now)
    case .refused:
      network = .nothing
      return session.connectFailed("refused", at: now)
    case .lost: return session.connectionLost(.closedByServer, at: now)
    case .malformed: return session.violated(Self.malformed, at: now)
    case .began(let answer):
      half = (answer, now)
      return session.received(Array(answer.frame.prefix(Self.halfByteCount)), at: now)
    case .answered(let answer):
      let isRight = inFlight.map(answer.answers) ?? false
      guard session.expects(answer) == isRight else { throw Broken.wrongAnswerTaken }
      let bytes = answer.frame.dropFirst(half == nil ? 0 : Self.halfByteCount)
      half = nil
      let actions = session.received(Array(bytes), at: now)
      if isRight { inFlight = nil }
      let isTaken = actions.contains { if case .log(.received) = $0 { true } else { false } }
      if isRight != isTaken { throw isRight ? Broken.rightAnswerRefused : .wrongAnswerTaken }
      return actions
    }
    return []
  }

  /// What the shell does for the session, on a network that is watched.
  private mutating func perform(
    _ actions: [SessionAction], _ event: Event, _ before: Session
  ) throws {
    var sent: UInt64 = 0
    var lost: UInt64 = 0
    var received: UInt64 = 0
    var skipped: UInt64 = 0
    for action in actions {
      switch action {
      case .connect(let address, _):
        guard network == .nothing, let number = Self.targets.firstIndex(of: address) else {
          throw Broken.secondAttempt
        }
        network = .attempting(number)
        // By itself, only after the delay.
        if event == .timerFires {
          guard let retryAt = before.retryAt, retryAt <= now else { throw Broken.tooEarly }
        }
      case .close:
        guard network != .nothing else { throw Broken.closedNothing }
        network = .nothing
        inFlight = nil
        let since = half?.since
        half = nil
        guard case .log(.disconnected(_, .incompleteAnswer(_, Self.halfLimit), _)) = actions.last
        else { break }
        guard let since, since.advanced(by: Self.halfLimit) <= now else { throw Broken.tooEarly }
      case .send(let kind):
        guard case .connected = network else { throw Broken.sentWithoutConnection }
        guard inFlight == nil else { throw Broken.secondRequest }
        inFlight = kind
        sent += 1
      case .log(let entry):
        switch entry {
        case .connecting(let address):
          guard logged == .nothing, let number = Self.targets.firstIndex(of: address) else {
            throw Broken.unlogged
          }
          logged = .attempting(number)
        case .connected(let address):
          guard case .attempting(let number) = logged, Self.targets[number] == address else {
            throw Broken.unlogged
          }
          logged = .connected(number)
        case .connectFailed(let address, _, let retryIn):
          guard case .attempting(let number) = logged, Self.targets[number] == address else {
            throw Broken.unlogged
          }
          guard retryIn == nil || session.reconnectDelay == retryIn else { throw Broken.unlogged }
          logged = .nothing
        case .disconnected(let address, _, let retryIn):
          guard case .connected(let number) = logged, Self.targets[number] == address else {
            throw Broken.unlogged
          }
          guard retryIn == nil || session.reconnectDelay == retryIn else { throw Broken.unlogged }
          logged = .nothing
        case .sent: break
        case .received: received += 1
        case .skipped: skipped += 1
        case .lost: lost += 1
        case .violation: break
        }
      }
    }
    let counted = session.statistics
    guard counted.sent == sent, counted.lost == lost, counted.answered == received,
      counted.skipped == skipped
    else { throw Broken.miscounted }
    // What was unanswered before, and what was sent, is now unanswered, answered or lost.
    let unanswered: UInt64 = session.unanswered == nil ? 0 : 1
    guard (before.unanswered == nil ? 0 : 1) + sent == unanswered + received + lost else {
      throw Broken.miscounted
    }
  }

  // MARK: What must hold

  private func checkState() throws {
    switch (session.state, network) {
    case (.disconnected, .nothing), (.connecting, .attempting), (.idle, .connected): break
    case (.awaiting, .connected) where session.unanswered?.kind == inFlight: break
    case (.disconnected, _): throw Broken.notClosed
    default: throw Broken.wrongState
    }
    guard (session.unanswered == nil) == (inFlight == nil), logged == network else {
      throw Broken.unlogged
    }
    if isWanted {
      // A connection, an attempt, or a timer; or the user wants no timer.
      let hasWayOn =
        network != .nothing || session.reconnectDelay == nil || session.deadline != nil
      guard hasWayOn, network != .nothing || session.downSince != nil else { throw Broken.noWayOn }
    } else {
      guard network == .nothing, session.downSince == nil, session.deadline == nil else {
        throw Broken.unwanted
      }
    }
    if session.unanswered != nil, let timeout = session.answerTimeout {
      guard let deadline = session.deadline, deadline <= now.advanced(by: timeout) else {
        throw Broken.noWayOn
      }
    }
    if let half {
      guard let deadline = session.deadline, deadline <= half.since.advanced(by: Self.halfLimit)
      else { throw Broken.noWayOn }
    }
    if session.isConnected, let periodic = session.periodic {
      guard let deadline = session.deadline, deadline <= now.advanced(by: periodic.interval) else {
        throw Broken.noWayOn
      }
    }
  }

  /// A tick that is due sends or is counted as skipped, once; and the timer is not due again.
  private func checkTicks(_ event: Event, _ before: Session, _ actions: [SessionAction]) throws {
    guard event == .timerFires else { return }
    guard session.deadline.map({ $0 > now }) ?? true else { throw Broken.spinning }
    guard before.isConnected, session.isConnected, let due = before.periodic?.next, due <= now
    else { return }
    let count = actions.count {
      switch $0 {
      case .send, .log(.skipped): true
      default: false
      }
    }
    guard count == 1 else { throw Broken.tickNeitherSentNorSkipped }
  }

  /// What a connection or an attempt that is gone might still have to say changes nothing.
  private func checkStaleEvents() throws {
    var session = session
    if !session.isConnected {
      guard session.connectionLost(.closedByServer, at: now).isEmpty,
        session.received(.fast(serverTime: ""), at: now).isEmpty,
        session.violated(Self.malformed, at: now).isEmpty
      else { throw Broken.staleEventHeard }
    }
    if session.state != .connecting {
      guard session.connected(at: now).isEmpty, session.connectFailed("", at: now).isEmpty else {
        throw Broken.staleEventHeard
      }
    }
    guard session.state == self.session.state, session.deadline == self.session.deadline else {
      throw Broken.staleEventHeard
    }
  }

  /// With a server that is there and a timer that fires, whoever wants a connection gets one.
  private func checkRecovery() throws {
    guard isWanted, session.reconnectDelay != nil else { return }
    var session = session
    var now = now
    for _ in 0..<3 {
      switch session.state {
      case .idle, .awaiting: return
      case .connecting: _ = session.connected(at: now)
      case .disconnected:
        guard let deadline = session.deadline else { throw Broken.doesNotRecover }
        now = max(now, deadline)
        _ = session.advance(to: now)
      }
    }
    guard session.isConnected else { throw Broken.doesNotRecover }
  }
}
