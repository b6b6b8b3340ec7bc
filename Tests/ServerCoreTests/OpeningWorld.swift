import TestTaskDaemonSupport
import TestTaskProgramBasics

@testable import TestTaskServerCore

/// A server behind a proxy with up to two clients, which may leave, fail or be cut off in every step
/// before they are served, and a drain at any time.
struct OpeningWorld {
  enum Event {
    case connects(Opening)
    case introduced(Int, isKnown: Bool)
    case refused(Int)
    case secured(Int)
    case closed(Int, ConnectionEnd)
    case asks(Int)
    case lingeringCloses
    case signal
    case sweep
    case drainTimer
  }

  enum Broken: Error {
    case sum, unpaired, linedTwice, servedTooSoon, leftWithoutLine, doesNotEnd, wrongPeer, wrongStep
  }

  enum Mutation: CaseIterable {
    /// What a header says is believed of whoever is served already.
    case believesLate
    /// A client is served before its header.
    case servesAtOnce
    /// Nothing tells the core of a connection that ends early.
    case forgetsEnds
  }

  private static let failure = ConnectionEnd.Failure(message: "late", description: "late")

  private let mutation: Mutation?
  private var core: ServerCore
  private var connects = 0
  private var signals = 0
  /// What each client, by its number, has had in the log: a connect, a disconnect.
  private var lines: [UInt64: (connects: Int, disconnects: Int)] = [:]
  private var lingering = 0
  private var hasEnded = false
  private var isDrainTimed = false
  private var broken: Broken?

  init(_ mutation: Mutation? = nil) {
    self.mutation = mutation
    var values = Configuration()
    values.proxyProtocol = true
    values.maxConnections = 2
    core = ServerCore(values, descriptorRoom: 4)
  }

  var possible: [Event] {
    guard !hasEnded else { return [] }
    var events: [Event] = signals < 1 ? [.signal] : []
    if connects < 3, !core.isDraining {
      events += [.connects([]), .connects(.proxyHeader), .connects([.proxyHeader, .handshake])]
    }
    for place in core.clients.taken {
      switch core.nextStep(of: place) {
      case .proxyHeader:
        events += [
          .introduced(place, isKnown: true), .introduced(place, isKnown: false), .refused(place),
        ]
      case .handshake: events.append(.secured(place))
      case nil: events.append(.asks(place))
      }
      if mutation == .believesLate { events.append(.introduced(place, isKnown: true)) }
      events += [.closed(place, .ended), .closed(place, .reset)]
      events.append(.closed(place, .timedOut(Self.failure)))
    }
    if lingering > 0 { events.append(.lingeringCloses) }
    if core.clientCount > 0 { events.append(.sweep) }
    if isDrainTimed { events.append(.drainTimer) }
    return events
  }

  struct Key: Hashable {
    var openings: [Int]
    var counts: [Int]
    var flags: [Bool]
  }

  var key: Key {
    Key(
      openings: core.clients.taken.compactMap { place in
        core.clients[place].map { client in
          let isLined = lines[client.number] != nil
          return Int(client.opening.rawValue) * 4 + (client.proxy == nil ? 0 : 2)
            + (isLined ? 1 : 0)
        }
      }.sorted(),
      counts: [connects, signals, lingering], flags: [hasEnded, isDrainTimed])
  }

  mutating func take(_ event: Event) throws {
    broken = nil
    switch event {
    case .connects(let opening):
      connects += 1
      _ = core.connected(peer: "proxy", opening: opening, at: 0)
    case .introduced(let place, let isKnown):
      if mutation == .believesLate {
        _ = core.clients.update(place) { _ = $0.opening.insert(.proxyHeader) }
      }
      core.introduced(place, as: isKnown ? "client" : nil)
      if core.clients[place]?.peer != (isKnown ? "client" : "proxy") { broken = .wrongPeer }
    case .refused(let place): core.headerRefused(place, error: "none", at: 0)
    case .secured(let place):
      core.secured(place, SecuredSession(version: "1.3", cipher: "C", subject: nil))
    case .closed(let place, let end):
      if mutation != .forgetsEnds { core.closed(place, end, unsent: 0, at: 0) }
      if core.clients.contains(place) { broken = .unpaired }
    case .asks(let place):
      let answers = core.received(
        ([2, 0x1A, 0] as [UInt8]).span.bytes, from: place,
        output: OutputState(unsent: 0, writable: 1_000), at: 0)
      guard let number = core.clients[place]?.number else { break }
      if answers > 0, lines[number]?.connects != 1 { broken = .servedTooSoon }
    case .lingeringCloses:
      lingering -= 1
      core.lingeringClosed()
    case .signal:
      signals += 1
      core.signalled(15, named: "SIGTERM", at: 0) { _ in Traffic() }
    case .sweep: core.woke(.sweep, at: 0) { _ in Traffic() }
    case .drainTimer:
      isDrainTimed = false
      core.woke(.endOfDrain, at: 0) { _ in Traffic() }
    }
    perform()
    if mutation == .servesAtOnce, case .connects(let opening) = event, !opening.isEmpty {
      for place in core.clients.taken { _ = core.clients.update(place) { $0.opening = [] } }
    }
    if let broken { throw broken }
    guard core.isConsistent, core.lingeringCount == lingering else { throw Broken.sum }
    if signals > 0, core.clientCount == 0, lingering == 0, !hasEnded { throw Broken.doesNotEnd }
  }

  /// The shell is asked for a step: it must be the one that the client is at.
  private mutating func expect(_ place: Int, _ step: Opening.Step?) {
    guard core.clients.contains(place) else { return }
    if core.nextStep(of: place) != step { broken = .wrongStep }
  }

  private mutating func perform() {
    while !core.actions.isEmpty {
      switch core.actions.removeFirst() {
      case .serve(let place, .connect(let number, _, _, _)),
        .serve(let place, .securedConnect(let number, _, _, _, _)):
        expect(place, nil)
        lines[number, default: (0, 0)].connects += 1
        if lines[number]?.connects != 1 { broken = .linedTwice }
      // Of one that leaves before it is served.
      case .log(_, .connect(let number, _, _, _)):
        lines[number, default: (0, 0)].connects += 1
        if lines[number]?.connects != 1 { broken = .linedTwice }
      case .leave(let departure):
        lines[departure.number, default: (0, 0)].disconnects += 1
        if lines[departure.number]?.disconnects != 1 { broken = .linedTwice }
        if lines[departure.number]?.connects != 1 { broken = .leftWithoutLine }
        if departure.ending != .done { lingering += 1 }
      case .readProxyHeader(let place, _): expect(place, .proxyHeader)
      case .secure(let place): expect(place, .handshake)
      case .wake(.endOfDrain, _): isDrainTimed = true
      case .wakeNextTurn(let wakeup): core.woke(wakeup, at: .max) { _ in Traffic() }
      case .stop, .exit: hasEnded = true
      default: break
      }
    }
  }
}
