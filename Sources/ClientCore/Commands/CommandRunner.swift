import DequeModule
import TestTaskProgramBasics
import TestTaskTerminalSupport

/// Runs commands one after the other, and decides how the program exits.
///
/// In a script a request waits for its connection and its answer, and a failure ends the script.
/// At the prompt only `wait` and `sleep` delay the next line, and a failure ends only its own line.
/// The shell calls ``next(session:at:)`` until it returns `wait`, and again after every event.
struct CommandRunner {
  /// What the shell is to do.
  enum Step: Hashable {
    case execute(Command)
    /// Tell the user why a line failed.
    case report(String)
    /// Nothing for now, but call again: many lines without a command were skipped, and more may
    /// follow.
    case goOn
    /// Nothing until the next event or ``CommandRunner/deadline``.
    case wait
    case finish
  }

  /// The command that the following ones wait for, and what it waits for.
  private struct Current {
    enum Phase: Hashable {
      /// A connection with no unanswered request.
      case ready
      case answer
      case connection
      /// The deadline; for `wait` also the answer, if it comes earlier.
      case time
    }

    var command: Command
    var source: String?
    var phase: Phase
  }

  /// A connection that was lost, or could not be made, without failing a command.
  ///
  /// After an answer it is chance whether the loss of the connection or the next command comes
  /// first, so the outcome must not depend on that order. The loss fails the next command that
  /// waits. If the script ends without another, it fails only if a request was lost too, or if the
  /// script was waiting for its next line.
  private struct UnreportedLoss {
    var reason: String
    /// Whether the loss counts at the end of the script.
    var counts: Bool
  }

  private static let linesPerStep = 100
  let isScript: Bool
  let keepsGoing: Bool
  private let parser: CommandParser
  private(set) var exitStatus = ExitStatus.success
  /// When the waiting command continues even if no event comes.
  private(set) var deadline: Moment?
  private var lines: Deque<ScriptLine> = []
  /// The file whose lines follow ``lines``.
  var file: ScriptFile?
  private var inputHasEnded = false
  private var isStopped = false
  private var current: Current?
  private var lastSource: String?
  private var reports: Deque<String> = []
  private var lastLoss: (reason: String, status: ExitStatus)?
  private var unreportedLoss: UnreportedLoss?
  private var hasLostRequest = false

  init(parser: CommandParser, isScript: Bool, keepsGoing: Bool = false) {
    self.parser = parser
    self.isScript = isScript
    self.keepsGoing = keepsGoing
  }

  /// How many lines wait; the shell stops reading when there are many.
  var pendingLines: Int { lines.count }

  mutating func append(_ line: ScriptLine) { lines.append(line) }

  /// There will be no more lines.
  mutating func endInput() { inputHasEnded = true }

  /// Drops the waiting command and the lines after it; false when no command waits.
  mutating func cancel() -> Bool {
    defer { (current, deadline, lines, file) = (nil, nil, [], nil) }
    return current != nil
  }

  /// The command that was just executed was refused.
  mutating func commandFailed(_ error: CommandError) {
    fail(error.message, .commandFailed, source: current?.source ?? lastSource)
  }

  // MARK: Steps

  /// The next thing to do.
  mutating func next(session: Session, at now: Moment) -> Step {
    for _ in 0..<Self.linesPerStep {
      if let report = reports.popFirst() { return .report(report) }
      if isStopped { return .finish }
      if let current {
        guard let step = proceed(current, session, now) else { continue }
        return step
      }
      guard let line = lines.popFirst() ?? file?.next() else {
        if inputHasEnded {
          guard let step = finishing(session) else { continue }
          return step
        }
        unreportedLoss?.counts = true
        return .wait
      }
      if let command = begin(line, session, now) { return .execute(command) }
    }
    return .goOn
  }

  /// Parses a line; returns its command if that can be executed at once.
  private mutating func begin(
    _ line: ScriptLine, _ session: Session, _ now: Moment
  ) -> Command? {
    lastSource = line.source
    do throws(CommandError) {
      let text =
        switch line.content {
        case .text(let text): text
        case .tooLong:
          throw CommandError(message: "a line is longer than \(LineReader.limit) bytes")
        }
      guard let command = try parser.parse(text) else { return nil }
      let phase: Current.Phase
      switch command {
      case .request where isScript, .every where isScript: phase = .ready
      case .sleep(let time):
        guard !failsForLoss(line, session) else { return nil }
        deadline = now.advanced(by: time)
        phase = .time
      case .wait(let limit):
        guard !failsForLoss(line, session) else { return nil }
        deadline = limit.map { now.advanced(by: $0) }
        phase = .time
      case .connect where isScript:
        current = Current(command: command, source: line.source, phase: .connection)
        return command
      case .quit:
        failForLoss(session)
        isStopped = true
        return nil
      default: return command
      }
      current = Current(command: command, source: line.source, phase: phase)
    } catch {
      fail(error.message, .commandFailed, source: line.source)
    }
    return nil
  }

  /// Checks whether the waiting command can continue; nil when that changed the state.
  private mutating func proceed(
    _ current: Current, _ session: Session, _ now: Moment
  ) -> Step? {
    let isDue = deadline.map { $0 <= now } ?? false
    switch (current.phase, session.state) {
    case (.time, _):
      if case .sleep = current.command {
        guard isDue else { return .wait }
        finishCurrent()
      } else if let request = session.unanswered {
        guard isDue else { return .wait }
        fail("request \(request.name) is still unanswered", .timedOut, source: current.source)
      } else {
        finishCurrent()
      }
    case (.connection, .idle), (.connection, .awaiting): finishCurrent()
    case (.ready, .idle):
      if case .request = current.command { self.current?.phase = .answer } else { finishCurrent() }
      return .execute(current.command)
    case (.ready, .awaiting):
      guard case .every = current.command else { return .wait }
      finishCurrent()
      return .execute(current.command)
    case (.ready, .disconnected), (.connection, .disconnected):
      guard session.retryAt == nil else { return .wait }
      let loss = session.downSince == nil ? nil : lastLoss
      let reason = loss.map { "not sent: \($0.reason)" } ?? "not sent: not connected"
      fail(reason, loss?.status ?? .commandFailed, source: current.source)
    default: return .wait
    }
    return nil
  }

  /// After the last line: stops the ticks, and waits for the last answer and the last attempt.
  private mutating func finishing(_ session: Session) -> Step? {
    guard isScript else { return .finish }
    if session.periodic != nil { return .execute(.stop) }
    switch session.state {
    case .awaiting, .connecting: return .wait
    case .disconnected, .idle: break
    }
    failForLoss(session)
    isStopped = true
    return nil
  }

  /// Fails a command that waits, if the connection is gone and there will be no other.
  private mutating func failsForLoss(_ line: ScriptLine, _ session: Session) -> Bool {
    guard let loss = unreportedLoss, session.downSince != nil, session.retryAt == nil else {
      return false
    }
    fail(loss.reason, .connectionLost, source: line.source)
    return true
  }

  /// Fails a script that ends without a connection, if none was ever made or if the loss counts.
  private mutating func failForLoss(_ session: Session) {
    guard isScript, session.downSince != nil else { return }
    let isFinal = session.reconnectDelay == nil && unreportedLoss?.counts ?? false
    guard isFinal || !session.hasEverConnected else { return }
    if let unreportedLoss { reports.append(unreportedLoss.reason) }
    add(.connectionLost)
  }

  // MARK: Outcomes

  /// Updates the waiting command and the exit status after an event of the session.
  mutating func note(_ event: SessionEvent) {
    guard isScript else { return }
    switch event {
    case .received:
      if current?.phase == .answer { finishCurrent() }
    case .connected, .disconnected(_, .user, _), .connectFailed(_, .user, _):
      (unreportedLoss, hasLostRequest) = (nil, false)
    case .lost: hasLostRequest = true
    case .connectFailed(let peer, let cause, let retryIn):
      let reason = "could not connect to \(peer): \(cause.reason)"
      lose(reason, .connectionLost, willRetry: retryIn != nil)
    case .disconnected(_, let cause, let retryIn):
      lose(cause.reason, cause.exitStatus, willRetry: retryIn != nil)
    default: break
    }
  }

  /// A connection or an attempt was lost: the command that waited for it fails, unless there will be
  /// another connection.
  ///
  /// A request that timed out, or whose answer was a violation, is not repeated, because that might
  /// never end. The exit status reports it whatever the command waited for.
  private mutating func lose(_ reason: String, _ status: ExitStatus, willRetry: Bool) {
    let reason = reason.escapedForTerminal
    lastLoss = (reason, status)
    if let current, !willRetry || current.phase == .answer && status != .connectionLost {
      return fail(reason, status, source: current.source)
    }
    if current?.phase == .answer { current?.phase = .ready }
    if status == .connectionLost {
      unreportedLoss = UnreportedLoss(reason: reason, counts: hasLostRequest)
    } else {
      reports.append(reason)
      add(status)
    }
    hasLostRequest = false
  }

  private mutating func fail(_ message: String, _ status: ExitStatus, source: String?) {
    finishCurrent()
    if status == .connectionLost { (unreportedLoss, hasLostRequest) = (nil, false) }
    guard isScript else { return reports.append(message) }
    reports.append((source.map { "\($0): " } ?? "") + message)
    add(status)
    if !keepsGoing { isStopped = true }
  }

  private mutating func add(_ status: ExitStatus) { exitStatus = max(exitStatus, status) }

  private mutating func finishCurrent() { (current, deadline) = (nil, nil) }
}
