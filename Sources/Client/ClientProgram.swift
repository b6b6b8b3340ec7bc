import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The program: wires session, commands, network, console and signals together on one loop.
final class ClientProgram {
  private let loop: EventLoop
  private let isScript: Bool
  private let target: SocketAddress?
  private let script: [ScriptLine]?
  private var session: Session
  private var runner: CommandRunner
  private var screenFormatter: EventFormatter
  private var fileFormatter: EventFormatter
  private var logFile: LogFile?
  private var screenLog = true
  private var exitStatus: ExitStatus?
  private var turnIsDue = false
  private var suspension: SignalSource?
  private lazy var timer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.timeIsUp() }
  private lazy var connector = Connector(
    on: loop,
    onEvent: { [weak self] event in self?.hear(event) },
    onAnswer: { [weak self] answer in self?.take(answer) ?? false })
  private lazy var console = Console(
    on: loop, isEditing: isEditing,
    addresses: { [weak self] in self?.session.target.map { [$0.description] } ?? [] },
    prompt: { [weak self] in self?.prompt ?? ("", false) },
    onEvent: { [weak self] event in self?.hear(event) })

  init(_ line: ClientCommandLine) throws {
    // Errors come first: a loop that was made must be closed.
    script = try line.script()
    if let path = line.logFile, path != "-" { logFile = try LogFile(path: path) }
    do {
      loop = try EventLoop()
    } catch {
      logFile?.close()
      throw error
    }
    target = line.address
    isScript = script != nil || StandardInput.kind != .terminal
    session = Session(
      reconnectDelay: line.reconnect.map(\.duration) ?? (isScript ? nil : .seconds(3)),
      answerTimeout: line.timeout?.duration, connectTimeout: line.connectTimeout)
    runner = CommandRunner(isScript: isScript, keepsGoing: line.keepGoing)
    screenFormatter = EventFormatter(
      isJSON: line.json, isColoured: line.isColoured, stamp: line.time)
    fileFormatter = EventFormatter(isJSON: line.json, stamp: line.time)
  }

  private var isEditing: Bool {
    !isScript && Descriptor.output.isTerminal && Descriptor.environment("TERM") != "dumb"
  }

  private var prompt: (text: String, isLive: Bool) {
    (PromptText.text(for: session, at: loop.now), PromptText.isLive(session))
  }

  /// Runs to the end; returns how to exit.
  func run() throws -> ExitStatus {
    do {
      try watchSignals()
      if script == nil { try console.open() }
      if let target { perform(try session.connect(to: target, at: loop.now)) }
    } catch {
      finish(.internalError)
      loop.run()
      try loop.close()
      throw error
    }
    if let script {
      script.forEach { runner.append($0) }
      runner.endInput()
    }
    settle()
    loop.run()
    try loop.close()
    return exitStatus ?? .internalError
  }

  // MARK: Signals

  private func watchSignals() throws(UVError) {
    let endings: [(Int32, ExitStatus)] = [
      (SIGINT, .interrupted), (SIGTERM, .terminated), (SIGHUP, .hangup), (SIGQUIT, .quit),
    ]
    for (signal, status) in endings {
      // Under nohup a hangup stays ignored.
      if signal == SIGHUP, Self.isIgnored(signal) { continue }
      try watch(signal) { client in
        if signal == SIGINT, !client.isScript, client.runner.cancel() { return client.settle() }
        client.finish(status)
      }
    }
    guard isEditing else { return }
    try watch(SIGWINCH) { $0.console.refresh() }
    try watch(SIGCONT) { $0.console.resume() }
    suspension = try watch(SIGTSTP) { $0.suspend() }
  }

  @discardableResult
  private func watch(
    _ signal: Int32, _ body: @escaping (ClientProgram) -> Void
  ) throws(UVError) -> SignalSource {
    let source = try SignalSource.on(signal, on: loop) { [weak self] _ in
      if let self { body(self) }
    }
    source.keepsLoopAlive = false
    return source
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    #if canImport(Darwin)
      let handler = action.__sigaction_u.__sa_handler
    #else
      let handler = action.__sigaction_handler.sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Stops the process as the signal would have, and goes on when it is continued.
  ///
  /// The default action is right: it spares a process that nobody could wake again.
  private func suspend() {
    console.suspend()
    suspension?.close()
    raise(SIGTSTP)
    suspension = try? watch(SIGTSTP) { $0.suspend() }
    console.resume()
  }

  // MARK: Events

  private func hear(_ event: Console.Event) {
    switch event {
    case .lines(let lines):
      lines.forEach { runner.append($0) }
      if isScript, runner.pendingLines > 1000 { console.setReading(false) }
    case .interrupt: _ = runner.cancel()
    // The whole job stops, as the terminal would have it; this process by its own handler.
    case .suspend: kill(0, SIGTSTP)
    case .quit: finish(.success)
    case .outputDrained(let lostLines):
      if lostLines > 0 { console.complain("nobody read them: \(lostLines) lines were lost") }
      if exitStatus != nil { loop.closeAll() }
    case .outputFailed(let failure):
      // A reader who has seen enough is no error.
      if !failure.isBrokenPipe { console.complain("standard output: \(failure.message)") }
      finish(failure.isBrokenPipe ? runner.exitStatus : .internalError)
    case .endOfInput(let error):
      // A terminal in raw mode ends only by going away.
      if console.isEditing { return finish(.hangup) }
      if let error {
        console.complain("standard input: \(error.message)")
        return finish(.internalError)
      }
      runner.endInput()
    }
    settle()
  }

  private func hear(_ event: Connector.Event) {
    switch event {
    case .connected: perform(session.connected(at: loop.now))
    case .connectFailed(let reason): perform(session.connectFailed(reason, at: loop.now))
    case .lost(let cause): perform(session.connectionLost(cause, at: loop.now))
    case .violated(let violation): perform(session.violated("\(violation)", at: loop.now))
    }
    settle()
  }

  private func take(_ answer: Answer) -> Bool {
    guard session.expects(answer) else { return false }
    perform(session.received(answer, at: loop.now))
    settle()
    return true
  }

  private func timeIsUp() {
    perform(session.advance(to: loop.now))
    settle()
  }

  private func perform(_ actions: [SessionAction]) {
    for action in actions {
      switch action {
      case .connect(let address, let timeout): connector.connect(to: address, timeout: timeout)
      case .close: connector.close()
      case .send(let kind): connector.send(kind)
      case .log(let event): log(event)
      }
    }
  }

  private func log(_ event: SessionEvent) {
    runner.note(event)
    let time = WallTime.now
    if screenLog, let line = screenFormatter.line(for: event, at: time) { console.print(line) }
    if logFile != nil, let line = fileFormatter.line(for: event, at: time),
      let complaint = logFile?.write(line)
    {
      console.complain(complaint)
    }
  }

  /// After every event: the timer follows the session, the prompt too, and commands get their turn.
  ///
  /// Commands run on the next turn, never inside an event: what else came in the same packet must
  /// be judged before another request is sent.
  private func settle() {
    follow()
    guard !turnIsDue, exitStatus == nil else { return }
    turnIsDue = true
    loop.nextTick { [weak self] in
      self?.turnIsDue = false
      self?.runCommands()
    }
  }

  private func follow() {
    guard exitStatus == nil else { return }
    if let deadline = [session.deadline, runner.deadline].compactMap(\.self).min() {
      timer.schedule(at: deadline)
    } else {
      timer.unschedule()
    }
    console.refresh()
  }

  private func runCommands() {
    commands: while exitStatus == nil, !console.isFull {
      switch runner.next(session: session, at: loop.now) {
      case .execute(let command):
        do throws(CommandError) {
          try execute(command)
        } catch {
          runner.commandFailed(error)
        }
      case .report(let message): console.complain(message)
      case .finish: return finish(isScript ? runner.exitStatus : .success)
      case .wait: break commands
      }
    }
    if runner.pendingLines < 100 { console.setReading(true) }
    follow()
  }

  /// Ends the connection and what is read; the program ends when the last line is written, or at
  /// once when a signal says so.
  private func finish(_ status: ExitStatus) {
    if exitStatus == nil { end(status) }
    if status > .internalError || console.isDrained {
      exitStatus = max(status, exitStatus ?? status)
      loop.closeAll()
    }
  }

  private func end(_ status: ExitStatus) {
    exitStatus = max(status, runner.exitStatus)
    perform(session.disconnect(at: loop.now))
    if !screenFormatter.isJSON, session.statistics.sent > 0 {
      session.statistics.lines.forEach { console.print($0) }
    }
    console.close()
    logFile?.close()
    logFile = nil
    timer.cancel()
  }

  // MARK: Commands

  private func execute(_ command: Command) throws(CommandError) {
    let now = loop.now
    switch command {
    case .connect(let address): perform(try session.connect(to: address, at: now))
    case .disconnect: perform(session.disconnect(at: now))
    case .request(let kind): perform(try session.send(kind, at: now))
    case .every(let interval, let kind): perform(session.startPeriodic(interval, kind, at: now))
    case .showEvery: say([session.periodic?.command ?? "the periodic mode is off"])
    case .stop: session.stopPeriodic()
    case .reconnect(let delay): session.setReconnectDelay(delay)
    case .timeout(let limit): session.setAnswerTimeout(limit)
    case .status: say(session.status(at: now))
    case .stats: say(session.statistics.lines)
    case .resetStats: session.statistics = Statistics()
    case .screenLog(let isOn): screenLog = isOn
    case .logFile(let path):
      let file = try path.map { path throws(CommandError) in try LogFile(path: path) }
      logFile?.close()
      logFile = file
    case .set: say(settings)
    case .help(let name): say(try CommandParser.help(name))
    case .history: say(console.history)
    case .clear: console.clear()
    // The runner sees to these itself.
    case .wait, .sleep, .quit: break
    }
  }

  /// Prints what a command answers: beside JSON it is no part of the output.
  private func say(_ lines: [String]) {
    for line in lines {
      if screenFormatter.isJSON { console.complain(line) } else { console.print(line) }
    }
  }

  private var settings: [String] {
    let logFile = logFile.map { CommandParser.quoted($0.path) }
    return session.settings + ["log \(screenLog ? "on" : "off")", "log file \(logFile ?? "-")"]
  }
}
