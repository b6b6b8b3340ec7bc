package import TestTaskDaemonSupport
internal import TestTaskProgramBasics

/// What the server decides, without I/O: events come in, and answers and actions go out.
///
/// The shell tells it what connections, timers and signals do. What an event returns is to be
/// written first; then the shell performs ``actions`` in order. Times are nanoseconds on the loop's
/// clock. A place is the small number by which a connected client is known; what is told of a place
/// that nobody has changes nothing, so that a late event does no harm.
///
/// - `ServerCore+Opening`: headers of proxies and handshakes, before anything is served
/// - `ServerCore+Requests`: what clients send, and backpressure
/// - `ServerCore+Answers`: requests that sleep
/// - `ServerCore+Leaving`: clients that go
/// - `ServerCore+Waking`: what it was woken for
/// - `ServerCore+Sweep`: what is looked at now and then
/// - `ServerCore+Ending`: the drain
/// - `ServerCore+Metrics`: what is told whoever watches
package struct ServerCore {
  package private(set) var configuration: Configuration
  /// Clients and lingering connections that there are descriptors for.
  private var descriptorRoom: Int
  var timeouts: ConnectionTimeouts
  /// Beside ``configuration``, since many requests look at them.
  var tightMarkBytes: Int
  var logsRequests: Bool
  private var speaksTLS: Bool

  // Who is connected.
  var clients = ClientTable()
  var memory = MemoryLedger()
  private var lastNumber: UInt64 = 0
  /// What counts clients together with other processes; `nil` for a server that counts alone.
  package var sharedCount: SharedCount?
  /// Connections of clients that have left, whose last answers are still on their way.
  package internal(set) var lingeringCount = 0
  var rejections = Rejections()

  // What is asked and answered.
  package internal(set) var sleeping = SleepQueue()
  /// When the shell is to ask for due answers.
  var wakingAt: UInt64?
  var answersThisTurn = 0
  package internal(set) var requestCount: UInt64 = 0
  private var statusRequestCount: UInt64 = 0
  /// Bytes in one read from which a client has had its part of a turn.
  var readPerTurn = Backpressure.readPerTurn
  /// Clients that have had their part of this turn of the loop.
  var resting: [SleepQueue.Owner] = []

  // For `/metrics` alone.
  package var metrics = Metrics()
  /// Clients that have come.
  var connectCount: UInt64 { lastNumber }

  // The sweep, and the end of the server.
  var sweepDueAt: UInt64?
  var lastSweepWasLate = false
  var drain = Drain()
  /// Whether other processes get the connections that this one does not take: then its end begins with a
  /// hand-over.
  package var sharesListeners = false
  /// What asked for the end that begins with a hand-over.
  var handOverSignal = ""

  /// What the shell is to do; it takes each action out to perform it.
  package var actions = ActionQueue()

  package init(_ configuration: Configuration, descriptorRoom: Int) {
    self.configuration = configuration
    self.descriptorRoom = descriptorRoom
    timeouts = ConnectionTimeouts(configuration)
    tightMarkBytes = configuration.tightMarkBytes
    logsRequests = configuration.logLevel == .debug
    speaksTLS = configuration.tls != nil
    clients.reserve(configuration.maxConnections)
    sleeping.reserve(configuration.maxConnections)
  }

  package var clientCount: Int { clients.count }

  /// Takes new settings over.
  package mutating func reloaded(_ configuration: Configuration, descriptorRoom: Int) {
    self.configuration = configuration
    self.descriptorRoom = descriptorRoom
    timeouts = ConnectionTimeouts(configuration)
    tightMarkBytes = configuration.tightMarkBytes
    logsRequests = configuration.logLevel == .debug
    speaksTLS = configuration.tls != nil
    for place in clients.taken {
      clients.update(place) { _ = $0.backpressure.remove(.tight) }
      actions.append(.setLimits(place, configuration.outputLimits))
    }
  }

  /// A client has connected.
  ///
  /// - Parameters:
  ///   - peer: Who it is.
  ///   - now: The time.
  /// - Returns: Its place, or nil when it is to be turned away.
  package mutating func connected(_ peer: Peer, at now: UInt64) -> Int? {
    // Never a guess from what is sent: anybody else is served under its own address.
    let isProxy = configuration.proxyProtocol && configuration.proxyFrom.contains(peer)
    return connected(
      peer: peer.description,
      opening: Opening(isProxy: isProxy, speaksTLS: speaksTLS && peer.isTCP), at: now)
  }

  /// A client has connected, with what comes before it is served.
  ///
  /// - Parameters:
  ///   - peer: Its address, as the log has it.
  ///   - opening: What comes first; the log has the client when all of that is over.
  ///   - now: The time.
  /// - Returns: Its place, or nil when it is to be turned away.
  mutating func connected(peer: String, opening: Opening = [], at now: UInt64) -> Int? {
    guard !drain.hasBegun, clients.count < configuration.maxConnections,
      clients.count + lingeringCount < descriptorRoom
    else {
      metrics.countRejected()
      if rejections.add() { reportRejections(at: now) }
      return nil
    }
    lastNumber += 1
    let owner = sleeping.enter()
    var client = Client(
      reader: RequestReader(maximumFrameBytes: configuration.maxFrameBytes), number: lastNumber,
      owner: owner, peer: peer, connectedAt: now, activity: ConnectionActivity(at: now))
    client.opening = opening
    clients.insert(client)
    sharedCount?.publish(clients.count)
    memory.enter(owner.index)
    advance(owner.index)
    scheduleSweep(at: now)
    return owner.index
  }

  /// Tells the log of connections that were turned away, a second after the last time at the
  /// soonest.
  mutating func reportRejections(at now: UInt64) {
    if logRejections() { actions.append(.wake(.rejections, at: now &+ 1_000_000_000)) }
  }

  /// - Returns: Whether there were any.
  mutating func logRejections() -> Bool {
    guard let count = rejections.report() else { return false }
    actions.append(.log(.warning, .rejected(count: count)))
    return true
  }

  /// Accepting has failed; a machine out of descriptors fails again and again, and the log has a
  /// line a second.
  package mutating func acceptFailed(_ error: String, at now: UInt64) {
    guard rejections.mayReport() else { return }
    actions.append(.log(.warning, .acceptFailed(error)))
    actions.append(.wake(.rejections, at: now &+ 1_000_000_000))
  }

  /// How things are, for the service manager; asked every ten seconds.
  package mutating func status() -> String {
    let rate = (requestCount - statusRequestCount) / 10
    statusRequestCount = requestCount
    let asleep = sleeping.count
    return "STATUS=\(clients.count) clients, \(asleep) sleeping requests, \(rate) requests/s"
  }

  /// Counts requests of a client, in its own number and in the sum.
  mutating func countRequests(_ number: Int, of place: Int) {
    let isThere: Void? = clients.update(place) {
      $0.requests &+= UInt64(truncatingIfNeeded: number)
    }
    if isThere != nil { requestCount &+= UInt64(truncatingIfNeeded: number) }
  }

  /// Whether every sum that is kept beside what it sums is that sum: tests ask after every event.
  var isConsistent: Bool { clients.isConsistent && memory.isConsistent && lingeringCount >= 0 }
}
