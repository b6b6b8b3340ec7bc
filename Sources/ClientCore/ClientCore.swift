import TestTaskProgramBasics
package import TestTaskTerminalSupport

/// What the client decides: events in, actions out, and no I/O.
///
/// The shell reports events of the network, the user, time and signals, and performs the actions
/// that are returned, in their order. After each event it arms one timer for ``deadline`` and calls
/// ``advance(to:)`` when it fires. On a later turn of its loop it calls ``runCommand(at:)`` until
/// that returns nil. It must not do so inside an event: all answers of one packet have to be
/// handled before another request is sent.
package struct ClientCore {
  /// What the shell is to do.
  package enum Action: Hashable {
    /// Begin one attempt; no other attempt or connection exists.
    case connect(Target, timeout: Duration)
    /// End the attempt or the connection at once; no event of it may be delivered any more.
    case closeConnection
    case send([UInt8])
    /// Print a line of output.
    case print(String)
    /// Print a line for the user that is not part of the output which a program reads.
    case printAside(String)
    /// Print a line of diagnostics.
    case complain(String)
    /// Append a line to the copy of the log, and call ``copyWritten(isBehind:failure:)``.
    case appendToCopy(String)
    /// Open a new copy of the log in place of the old one, and call ``copyOpened(_:)`` or
    /// ``commandFailed(_:)``; nil ends the copy.
    case openCopy(path: String?)
    /// Print the lines typed before with ``output(of:)``.
    case showHistory
    case clearScreen
    /// Stop reading, drawing and all timers; what was printed is still written.
    case stop
    /// End the program: at once, or when all output is written.
    case exit(atOnce: Bool)
  }

  /// What the program was started with.
  package let options: ClientOptions
  var session: Session
  var log: SessionLog
  var runner: CommandRunner
  /// How the program ends; nil while it runs.
  package private(set) var exitStatus: ExitStatus?
  private let parser: CommandParser
  private let wallClock: () -> Int64
  private var linesRead = 0
  private var isInputPaused = false

  /// The client before anything has happened.
  ///
  /// - Parameters:
  ///   - options: What it was started with.
  ///   - log: The log, as it was asked for.
  ///   - file: The file of commands that it was started with; its commands follow those of `-e`.
  ///   - wallClock: Gives nanoseconds since 1970, to stamp the log with.
  package init(
    _ options: ClientOptions, log: SessionLog, file: ScriptFile? = nil,
    wallClock: @escaping () -> Int64
  ) {
    self.options = options
    parser = CommandParser(allowsNames: options.allowsNames)
    session = Session(
      reconnectDelay: options.reconnectDelay, answerTimeout: options.answerTimeout,
      connectTimeout: options.connectTimeout)
    runner = CommandRunner(
      parser: parser, isScript: options.isScript, keepsGoing: options.keepsGoing)
    (self.log, self.wallClock) = (log, wallClock)
    options.script.forEach { runner.append($0) }
    runner.file = file
    if !options.readsInput { runner.endInput() }
  }

  // MARK: For the shell

  /// When to call ``advance(to:)`` next.
  package var deadline: Moment? {
    exitStatus == nil ? [session.deadline, runner.deadline].compactMap(\.self).min() : nil
  }

  /// Whether to read standard input; false while many lines of a script wait.
  package var wantsInput: Bool { !isInputPaused }

  /// The prompt, and whether it changes as time goes by.
  package func prompt(at now: Moment) -> (text: String, isLive: Bool) {
    (PromptText.text(for: session, at: now), PromptText.isLive(session))
  }

  /// Completions for the end of a line.
  package func completion(of line: String) -> Completion {
    parser.completion(of: line, targets: session.target.map { [$0.description] } ?? [])
  }

  /// Begins: connects to the server that the program was started for, if there is one.
  package mutating func start(at now: Moment) -> [Action] {
    // It is refused only without a target.
    let actions = options.target.flatMap { try? session.connect(to: $0, at: now) }
    return self.actions(for: actions ?? [])
  }

  // MARK: The network

  /// Something happened to the attempt to connect, or to the connection.
  package mutating func handle(_ event: NetworkEvent, at now: Moment) -> [Action] {
    switch event {
    case .connected: actions(for: session.connected(at: now))
    case .connectFailed(let failure): actions(for: session.connectFailed(failure, at: now))
    case .ended: actions(for: session.streamEnded(at: now))
    case .lost(let cause): actions(for: session.connectionLost(cause, at: now))
    }
  }

  /// Bytes came from the server.
  package mutating func received(_ bytes: RawSpan, at now: Moment) -> [Action] {
    actions(for: session.received(bytes, at: now))
  }

  /// Does what is due; called when the time is ``deadline`` or later.
  package mutating func advance(to now: Moment) -> [Action] {
    actions(for: session.advance(to: now))
  }

  // MARK: The user

  /// The user did something, or standard input or output ended.
  package mutating func handle(_ event: Console.Event, at now: Moment) -> [Action] {
    switch event {
    case .lines(let lines): read(lines)
    // Ctrl-C drops the line, and ends the wait of a command.
    case .interrupt: _ = runner.cancel()
    case .quit: return finish(.success, at: now)
    case .endOfInput(let error): return inputEnded(error: error, at: now)
    case .outputDrained(let lostLines): return outputDrained(lostLines: lostLines)
    case .outputFailed(let failure):
      // It is not an error if the reader has left.
      if failure.isBrokenPipe { return finish(.success, at: now) }
      return [.complain("standard output: \(failure.message)")] + finish(.internalError, at: now)
    }
    return []
  }

  private mutating func read(_ lines: [LineReader.Line]) {
    for line in lines {
      linesRead += 1
      runner.append(ScriptLine(line, source: "stdin:\(linesRead)"))
    }
    if runner.isScript, runner.pendingLines > 1000 { isInputPaused = true }
  }

  private mutating func inputEnded(error: String?, at now: Moment) -> [Action] {
    // A terminal in raw mode ends only when it is closed.
    if options.isEditing { return finish(.hangup, at: now) }
    guard let error else {
      runner.endInput()
      return []
    }
    return [.complain("standard input: \(error)")] + finish(.internalError, at: now)
  }

  private func outputDrained(lostLines: Int) -> [Action] {
    let complaint = Action.complain("nobody read them: \(lostLines) lines were lost")
    return (lostLines > 0 ? [complaint] : [])
      + (exitStatus == nil ? [] : [.exit(atOnce: true)])
  }

  /// A signal came that ends a program.
  ///
  /// At the prompt an interrupt ends the wait of a command, or drops the line if the terminal edits it.
  package mutating func signalled(_ signal: Int32, at now: Moment) -> [Action] {
    let status = ExitStatus(signal: signal)
    let isForCommand = status == .interrupted && !runner.isScript
    if isForCommand, runner.cancel() || options.isPlainPrompt { return [] }
    return finish(status, at: now)
  }

  // MARK: Commands

  /// Performs the next step of the commands; nil when there is nothing to do for now.
  package mutating func runCommand(at now: Moment) -> [Action]? {
    guard exitStatus == nil else { return nil }
    defer { if runner.pendingLines < 100 { isInputPaused = false } }
    switch runner.next(session: session, at: now) {
    case .execute(let command):
      do throws(CommandError) {
        return try execute(command, at: now)
      } catch {
        runner.commandFailed(error)
        return []
      }
    case .report(let message): return [.complain(message)]
    case .goOn: return []
    case .finish: return finish(.success, at: now)
    case .wait: return nil
    }
  }

  /// A line was appended to the log's copy, or lost; see ``SessionLog/copyWritten(isBehind:failure:)``.
  package mutating func copyWritten(isBehind: Bool, failure: String?) -> [Action] {
    log.copyWritten(isBehind: isBehind, failure: failure).map { [.complain($0)] } ?? []
  }

  /// The line in the log's copy that counts the lines which could not be written.
  package mutating func lineForLost(_ count: Int) -> String {
    log.lineForLost(count, at: wallClock())
  }

  /// A copy of the log was opened.
  package mutating func copyOpened(_ path: String?) { log.copyOpened(path) }

  /// The shell could not perform the action of a command.
  package mutating func commandFailed(_ error: CommandError) { runner.commandFailed(error) }

  /// Prints the output of a command; with JSON it is not part of the program's output.
  package func output(of lines: [String]) -> [Action] {
    lines.map { log.isJSON ? .printAside($0) : .print($0) }
  }

  /// The session's actions as actions of the client.
  mutating func actions(for sessionActions: [SessionAction]) -> [Action] {
    var actions: [Action] = []
    for action in sessionActions {
      switch action {
      case .connect(let target, let timeout): actions.append(.connect(target, timeout: timeout))
      case .close: actions.append(.closeConnection)
      case .send(let kind): actions.append(.send(kind.frame))
      case .log(let event):
        runner.note(event)
        let lines = log.lines(for: event, at: wallClock())
        if let line = lines.screen { actions.append(.print(line)) }
        if let line = lines.copy { actions.append(.appendToCopy(line)) }
      }
    }
    return actions
  }

  // MARK: The end

  /// Ends the connection and reading, and then the program.
  ///
  /// The program ends when the last line is written, or at once after a signal. Of this status and the
  /// script's the greater one counts.
  private mutating func finish(_ status: ExitStatus, at now: Moment) -> [Action] {
    let isFirst = exitStatus == nil
    exitStatus = max(status, exitStatus ?? runner.exitStatus)
    var actions: [Action] = []
    if isFirst {
      actions += self.actions(for: session.disconnect(at: now))
      if !log.isJSON, session.statistics.sent > 0 {
        actions += session.statistics.lines.map { .print($0) }
      }
      actions += [.openCopy(path: nil), .stop]
    }
    return actions + [.exit(atOnce: status.isSignal)]
  }
}
