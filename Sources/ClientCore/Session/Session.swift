import TestTaskProgramBasics

/// The client's side of the protocol, without I/O.
///
/// Events and time come in as calls, actions come out. After each call the shell arms one timer
/// for ``deadline`` and calls ``advance(to:)`` when it fires. At most one attempt or connection
/// exists, and at most one request is unanswered.
package struct Session {
  /// Where the session stands.
  enum State: Hashable {
    case disconnected
    case connecting
    case idle
    case awaiting(Request)
  }

  /// The periodic mode: what to send how often.
  struct Periodic: Hashable {
    var interval: Duration
    var kind: RequestKind
    /// The next tick; there are no ticks while there is no connection.
    var next: Moment?

    /// The mode as the command that starts it.
    var command: String { "every \(interval.microseconds / 1000) \(kind.command)" }
  }

  private(set) var state = State.disconnected
  private(set) var target: Target?
  private(set) var periodic: Periodic?
  private(set) var reconnectDelay: Duration?
  private(set) var answerTimeout: Duration?
  private(set) var hasEverConnected = false
  var statistics = Statistics()
  private let connectTimeout: Duration
  private let incompleteAnswerTimeout: Duration
  private var reader = AnswerReader()
  /// Since when an answer has been incomplete, and where in the stream it began; nil between answers.
  private var incompleteSince: Moment?
  private var incompleteOffset: UInt64 = 0
  private var lastRequestID: UInt64 = 0
  private var actions: [SessionAction] = []

  /// Since when there is no connection although one is wanted; nil when none is wanted or there is one.
  private(set) var downSince: Moment?

  /// A session without a target; a `reconnectDelay` or an `answerTimeout` of nil means off.
  ///
  /// An answer has to be complete within the `incompleteAnswerTimeout` after its first byte, whatever the
  /// `answerTimeout` is: a server waits as long for half a request.
  init(
    reconnectDelay: Duration?, answerTimeout: Duration?, connectTimeout: Duration,
    incompleteAnswerTimeout: Duration = .seconds(10)
  ) {
    self.reconnectDelay = reconnectDelay
    self.answerTimeout = answerTimeout
    self.connectTimeout = connectTimeout
    self.incompleteAnswerTimeout = incompleteAnswerTimeout
  }

  // MARK: For the shell

  /// When to call ``advance(to:)`` next.
  var deadline: Moment? {
    [retryAt, answerDeadline, incompleteDeadline, isConnected ? periodic?.next : nil]
      .compactMap(\.self).min()
  }

  /// When the next attempt to connect begins by itself.
  var retryAt: Moment? {
    guard let downSince, let reconnectDelay else { return nil }
    return downSince.advanced(by: reconnectDelay)
  }

  var isConnected: Bool {
    switch state {
    case .idle, .awaiting: true
    case .disconnected, .connecting: false
    }
  }

  /// The request that is unanswered.
  var unanswered: Request? {
    if case .awaiting(let request) = state { request } else { nil }
  }

  private var answerDeadline: Moment? {
    guard let request = unanswered, let answerTimeout else { return nil }
    return request.sentAt.advanced(by: answerTimeout)
  }

  private var incompleteDeadline: Moment? {
    incompleteSince?.advanced(by: incompleteAnswerTimeout)
  }

  // MARK: What the user wants

  /// Connects to another target, or again to the one that is set; an existing connection to the same
  /// target stays.
  mutating func connect(
    to newTarget: Target?, at now: Moment
  ) throws(CommandError) -> [SessionAction] {
    guard let newTarget = newTarget ?? target else {
      throw CommandError(message: "no target: connect HOST[:PORT]")
    }
    if state != .disconnected, newTarget == target { return [] }
    if state != .disconnected { end(.user, at: now) }
    target = newTarget
    beginAttempt(newTarget)
    return takeActions()
  }

  /// Ends the connection or the attempt; none is made until ``connect(to:at:)``.
  mutating func disconnect(at now: Moment) -> [SessionAction] {
    downSince = nil
    if state != .disconnected { end(.user, at: now) }
    return takeActions()
  }

  /// Sends one request, unless one is unanswered or there is no connection.
  mutating func send(_ kind: RequestKind, at now: Moment) throws(CommandError) -> [SessionAction] {
    switch state {
    case .awaiting(let request):
      throw CommandError(message: "not sent: request \(request.name) is unanswered")
    case .connecting, .disconnected: throw CommandError(message: "not sent: not connected")
    case .idle: sendNow(kind, at: now)
    }
    return takeActions()
  }

  /// Starts the periodic mode, or changes it; the first tick is now, or when connected.
  mutating func startPeriodic(
    _ kind: RequestKind, every interval: Duration, at now: Moment
  ) -> [SessionAction] {
    periodic = Periodic(interval: interval, kind: kind, next: now)
    if isConnected { tick(at: now) }
    return takeActions()
  }

  mutating func stopPeriodic() { periodic = nil }

  /// Changes the delay before connecting again, also of a wait that has begun.
  mutating func setReconnectDelay(_ delay: Duration?) { reconnectDelay = delay }

  /// Changes how long an answer may take, also for an unanswered request.
  mutating func setAnswerTimeout(_ timeout: Duration?) { answerTimeout = timeout }

  // MARK: Events of the network

  mutating func connected(at now: Moment) -> [SessionAction] {
    guard state == .connecting, let target else { return [] }
    state = .idle
    hasEverConnected = true
    reader = AnswerReader()
    actions.append(.log(.connected(target)))
    if periodic != nil {
      periodic?.next = now
      tick(at: now)
    }
    return takeActions()
  }

  mutating func connectFailed(_ failure: ConnectFailure, at now: Moment) -> [SessionAction] {
    guard state == .connecting, let target else { return [] }
    state = .disconnected
    downSince = now
    let cause = LossCause.failed(reason: failure.reason(for: target))
    actions.append(.log(.connectFailed(target, cause, retryIn: reconnectDelay)))
    return takeActions()
  }

  /// The connection is gone, closed by the server or broken.
  mutating func connectionLost(_ cause: LossCause, at now: Moment) -> [SessionAction] {
    guard isConnected else { return [] }
    end(cause, at: now)
    return takeActions()
  }

  /// The server has ended its stream.
  mutating func streamEnded(at now: Moment) -> [SessionAction] {
    guard isConnected else { return [] }
    do throws(Violation) {
      try reader.finish()
      return connectionLost(.closedByServer, at: now)
    } catch {
      return violated(error, at: now)
    }
  }

  /// Bytes came from the server.
  ///
  /// The actions are for all the bytes: none of them is performed between two answers.
  mutating func received(_ bytes: RawSpan, at now: Moment) -> [SessionAction] {
    guard isConnected else { return [] }
    var reader = reader
    self.reader = AnswerReader()
    do throws(Violation) {
      try reader.read(bytes) { answer in take(answer, at: now) ? .proceed : .unexpected }
      if reader.incompleteByteCount == 0 {
        incompleteSince = nil
      } else if incompleteSince == nil || reader.offset != incompleteOffset {
        (incompleteSince, incompleteOffset) = (now, reader.offset)
      }
      self.reader = reader
      return takeActions()
    } catch {
      return takeActions() + violated(error, at: now)
    }
  }

  /// Whether this kind of answer is what the unanswered request asks for.
  func expects(_ answer: Answer) -> Bool {
    unanswered.map { answer.answers($0.kind) } ?? false
  }

  /// Accepts an answer; false when no request waits for one, or for one of this kind.
  private mutating func take(_ answer: Answer, at now: Moment) -> Bool {
    guard let request = unanswered, expects(answer) else { return false }
    let roundTrip = max(.zero, request.sentAt.duration(to: now))
    statistics.recordAnswer(to: request.kind, after: roundTrip)
    state = .idle
    actions.append(.log(.received(request, answer, roundTrip: roundTrip)))
    return true
  }

  /// The server broke the protocol: nothing more is read from this connection.
  mutating func violated(_ violation: Violation, at now: Moment) -> [SessionAction] {
    guard isConnected, let target else { return [] }
    actions.append(.log(.violation(target, violation)))
    end(.violation, at: now)
    return takeActions()
  }

  // MARK: Time

  /// Does what has come due: the answer timeout, the next attempt, a periodic tick.
  mutating func advance(to now: Moment) -> [SessionAction] {
    let byteCount = reader.incompleteByteCount
    if let answerTimeout, let answerDeadline, answerDeadline <= now {
      let cause = LossCause.noAnswer(within: answerTimeout)
      let half = LossCause.incompleteAnswer(byteCount: byteCount, within: answerTimeout)
      end(byteCount == 0 ? cause : half, at: now)
    } else if let incompleteDeadline, incompleteDeadline <= now {
      end(.incompleteAnswer(byteCount: byteCount, within: incompleteAnswerTimeout), at: now)
    }
    if let retryAt, retryAt <= now, let target { beginAttempt(target) }
    if isConnected { tick(at: now) }
    return takeActions()
  }

  private mutating func tick(at now: Moment) {
    guard let periodic, let due = periodic.next, due <= now else { return }
    // Ticks missed while the program could not run are dropped; the next one keeps to the grid.
    let missed = due.duration(to: now).microseconds / max(1, periodic.interval.microseconds)
    self.periodic?.next = due.advanced(by: periodic.interval * (missed + 1))
    switch state {
    case .idle: sendNow(periodic.kind, at: now)
    case .awaiting(var request):
      request.skippedTicks &+= 1
      state = .awaiting(request)
      statistics.skipped &+= 1
      actions.append(.log(.skipped(request)))
    case .connecting, .disconnected: break
    }
  }

  // MARK: Steps

  private mutating func beginAttempt(_ target: Target) {
    state = .connecting
    downSince = nil
    actions += [.log(.connecting(target)), .connect(target, timeout: connectTimeout)]
  }

  private mutating func sendNow(_ kind: RequestKind, at now: Moment) {
    lastRequestID &+= 1
    let request = Request(id: lastRequestID, kind: kind, sentAt: now)
    state = .awaiting(request)
    statistics.sent &+= 1
    actions += [.send(kind), .log(.sent(request))]
  }

  private mutating func end(_ cause: LossCause, at now: Moment) {
    guard let target else { return }
    if let request = unanswered {
      statistics.lost &+= 1
      actions.append(.log(.lost(request, cause)))
    }
    let wasConnected = isConnected
    state = .disconnected
    incompleteSince = nil
    downSince = cause == .user ? nil : now
    let retryIn = downSince == nil ? nil : reconnectDelay
    actions.append(.close)
    actions.append(
      .log(
        wasConnected
          ? .disconnected(target, cause, retryIn: retryIn)
          : .connectFailed(target, cause, retryIn: retryIn)))
  }

  private mutating func takeActions() -> [SessionAction] {
    defer { actions = [] }
    return actions
  }
}
