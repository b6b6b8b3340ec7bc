import TestTaskProgramBasics
import TestTaskTerminalSupport
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The program: wires session, commands, log, network and console together on one loop.
///
/// Events come from the network, the user, the timer and signals. Each may change the session,
/// whose actions are performed, and then commands get their turn.
final class ClientProgram {
  let loop: EventLoop
  var session: Session
  var log: SessionLog
  private var runner: CommandRunner
  private let target: SocketAddress?
  private let script: [ScriptLine]
  private let readsInput: Bool
  private var linesRead = 0
  private var exitStatus: ExitStatus?
  private var turnIsDue = false

  private lazy var timer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.timeIsUp() }
  private lazy var connector = Connector(
    on: loop,
    onEvent: { [weak self] event in self?.hear(event) },
    onData: { [weak self] bytes in self?.received(bytes) })
  private(set) lazy var console = Console(
    "testtask-client", on: loop,
    isEditing: !runner.isScript && Descriptor.output.isTerminal
      && environment("TERM") != "dumb",
    complete: { [weak self] text in
      CommandParser.completions(of: text, addresses: self?.session.target.map { ["\($0)"] } ?? [])
    },
    prompt: { [weak self] in
      guard let self else { return ("", false) }
      return (PromptText.text(for: session, at: loop.now), PromptText.isLive(session))
    },
    onEvent: { [weak self] event in self?.hear(event) })

  init(_ line: ClientCommandLine) throws {
    // Errors come first: a loop that was made must be closed.
    script = try line.script()
    readsInput = line.readsInput
    log = SessionLog(
      isJSON: line.json, isColoured: line.isColoured, stamp: line.time, isVerbose: line.verbose)
    if let path = line.logFile, path != "-" { try log.copy(to: path) }
    do {
      loop = try EventLoop()
    } catch {
      log.close()
      throw error
    }
    target = line.target
    let isScript = line.isScript || StandardInput.kind != .terminal
    session = Session(
      reconnectDelay: line.reconnect.map(\.duration) ?? (isScript ? nil : .seconds(3)),
      answerTimeout: line.timeout?.duration, connectTimeout: line.connectTimeout)
    runner = CommandRunner(isScript: isScript, keepsGoing: line.keepGoing)
  }

  /// Runs to the end; returns how to exit.
  func run() throws -> ExitStatus {
    do {
      try watchSignals()
      script.forEach { runner.append($0) }
      if readsInput { try console.open() } else { runner.endInput() }
      if let target { perform(try session.connect(to: target, at: loop.now)) }
    } catch {
      finish(.internalError)
      loop.run()
      try loop.close()
      throw error
    }
    settle()
    loop.run()
    try loop.close()
    guard let exitStatus else {
      console.complain("internal error: there is nothing left to wait for")
      return .internalError
    }
    return exitStatus
  }

  // MARK: Events

  private func watchSignals() throws(UVError) {
    let endings: [(Int32, ExitStatus)] = [
      (SIGINT, .interrupted), (SIGTERM, .terminated), (SIGHUP, .hangup), (SIGQUIT, .quit),
    ]
    // At a limit of file sizes a write fails, as it does on a full disk, and no more.
    signal(SIGXFSZ, SIG_IGN)
    for (signal, status) in endings {
      // What nohup, or a shell for its background jobs, has set to be ignored stays ignored.
      if signal != SIGTERM, SignalSource.isIgnored(signal) { continue }
      try SignalSource.on(signal, on: loop) { [weak self] _ in self?.hear(signal, status) }
    }
  }

  private func hear(_ signal: Int32, _ status: ExitStatus) {
    // At the prompt it ends what a command waits for; where the terminal edits the line, the line.
    let isPrompt = signal == SIGINT && !runner.isScript
    let isCancelled = isPrompt && runner.cancel()
    if isCancelled || isPrompt && !console.isEditing && Descriptor.output.isTerminal {
      settle()
    } else {
      finish(status)
    }
  }

  private func hear(_ event: Console.Event) {
    switch event {
    case .lines(let lines):
      for line in lines {
        linesRead += 1
        runner.append(ScriptLine(line, source: "stdin:\(linesRead)"))
      }
      if runner.isScript, runner.pendingLines > 1000 { console.setReading(false) }
    case .interrupt: _ = runner.cancel()
    case .quit: finish(.success)
    case .outputDrained(let lostLines):
      if lostLines > 0 { console.complain("nobody read them: \(lostLines) lines were lost") }
      if exitStatus != nil { loop.end() }
    case .outputFailed(let failure):
      // A reader who has seen enough is no error.
      if !failure.isBrokenPipe { console.complain("standard output: \(failure.message)") }
      finish(failure.isBrokenPipe ? .success : .internalError)
    // A terminal in raw mode ends only by going away.
    case .endOfInput where console.isEditing: finish(.hangup)
    case .endOfInput(let error?):
      console.complain("standard input: \(error.message)")
      finish(.internalError)
    case .endOfInput(nil): runner.endInput()
    }
    settle()
  }

  private func hear(_ event: Connector.Event) {
    switch event {
    case .connected: perform(session.connected(at: loop.now))
    case .connectFailed(let reason): perform(session.connectFailed(reason, at: loop.now))
    case .ended: perform(session.streamEnded(at: loop.now))
    case .lost(let cause): perform(session.connectionLost(cause, at: loop.now))
    }
    settle()
  }

  private func received(_ bytes: RawSpan) {
    perform(session.received(bytes, at: loop.now))
    settle()
  }

  private func timeIsUp() {
    perform(session.advance(to: loop.now))
    settle()
  }

  // MARK: What follows

  func perform(_ actions: [SessionAction]) {
    for action in actions {
      switch action {
      case .connect(let address, let timeout): connector.connect(to: address, timeout: timeout)
      case .close: connector.close()
      case .send(let kind): connector.send(kind)
      case .log(let event):
        runner.note(event)
        let (line, complaint) = log.record(event)
        if let line { console.print(line) }
        if let complaint { console.complain(complaint) }
      }
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
      case .finish: return finish(.success)
      case .wait: break commands
      }
    }
    if runner.pendingLines < 100 { console.setReading(true) }
    follow()
  }

  // MARK: The end

  /// Ends the connection and what is read; the program ends when the last line is written, or at
  /// once when a signal says so.
  ///
  /// Of this status and that of the script the greater one counts.
  private func finish(_ status: ExitStatus) {
    if exitStatus == nil { end(max(status, runner.exitStatus)) }
    if status > .internalError || console.isDrained {
      exitStatus = max(status, exitStatus ?? status)
      loop.end()
    }
  }

  private func end(_ status: ExitStatus) {
    exitStatus = status
    perform(session.disconnect(at: loop.now))
    if !log.isJSON, session.statistics.sent > 0 {
      session.statistics.lines.forEach { console.print($0) }
    }
    console.close()
    log.close()
    timer.cancel()
  }
}
