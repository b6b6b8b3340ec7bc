import TestTaskClientCore
import TestTaskProgramBasics
import TestTaskTerminalSupport
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The program: a loop, a network and a console around what ``ClientCore`` decides.
final class ClientProgram {
  private let loop: EventLoop
  private let start: EventLoop.Instant
  private let target: Target?
  private let tls: ClientTLS?
  private let readsInput: Bool
  private let isEditing: Bool
  private var core: ClientCore
  private var copy: LogCopy?
  private static let commandsPerTurn = 100
  private var turnIsDue = false

  private var now: Moment { Moment(start.duration(to: loop.now)) }

  private lazy var timer = LoopTimer.unscheduled(on: loop) { [weak self] _ in
    self?.take { core, now in core.advance(to: now) }
  }

  private lazy var connector = Connector(
    on: loop, tls: tls,
    onEvent: { [weak self] event in self?.take { core, now in core.handle(event, at: now) } },
    onData: { [weak self] bytes in
      guard let self else { return }
      perform(core.received(bytes, at: now))
      update()
    })

  private lazy var console = Console(
    "testtask-client", on: loop, isEditing: isEditing,
    complete: { [weak self] text in
      let (partial, words) = self?.core.completions(of: text) ?? ("", [])
      return Completion(partial: partial, among: words)
    },
    prompt: { [weak self] in
      guard let self else { return ("", false) }
      return core.prompt(at: now)
    },
    onEvent: { [weak self] event in self?.take(event) })

  /// A program as the command line asks for it; nothing happens before ``run()``.
  init(_ line: ClientCommandLine) throws {
    // What may fail comes before the loop, which must be closed once it is made.
    let script = line.script
    let file = try line.scriptFile()
    tls = try ClientTLS(line.tls, handshakeTimeout: line.connectTimeout)
    var log = SessionLog(
      isJSON: line.json, isColoured: line.isColoured, stamp: line.time, isVerbose: line.verbose)
    if let path = line.logFile, path != "-" {
      copy = try LogCopy(path: path)
      log.copyPath = path
    }
    let isScript = line.isScript || StandardInput.kind != .terminal
    isEditing = !isScript && Descriptor.output.isTerminal && environment("TERM") != "dumb"
    var options = ClientCore.Options(
      isScript: isScript,
      reconnectDelay: line.reconnect.map(\.duration) ?? (isScript ? nil : .seconds(3)),
      connectTimeout: line.connectTimeout)
    options.keepsGoing = line.keepGoing
    options.answerTimeout = line.timeout?.duration
    options.isPlainPrompt = !isScript && !isEditing && Descriptor.output.isTerminal
    core = ClientCore(
      options, log: log,
      parser: CommandParser(allowsNames: line.resolve), wallClock: { WallClock.nanoseconds })
    core.append(script, file)
    (target, readsInput) = (line.target, line.readsInput)
    loop = try EventLoop()
    start = loop.now
  }

  /// Runs the loop until the program is to exit, and returns the exit status.
  func run() throws -> ExitStatus {
    do {
      try watchSignals()
      if readsInput { try console.open() } else { core.endInput() }
    } catch {
      stop()
      loop.endAndClose()
      throw error
    }
    if let target { perform(core.start(target, at: now)) }
    update()
    loop.run()
    loop.endAndClose()
    guard let exitStatus = core.exitStatus else {
      console.complain("internal error: there is nothing left to wait for")
      return .internalError
    }
    return exitStatus
  }

  private func watchSignals() throws(UVError) {
    // With SIGXFSZ ignored, a write over the file size limit only fails, as on a full disk.
    signal(SIGXFSZ, SIG_IGN)
    let endings: [(Int32, ExitStatus)] = [
      (SIGINT, .interrupted), (SIGTERM, .terminated), (SIGHUP, .hangup), (SIGQUIT, .quit),
    ]
    for (signal, status) in endings {
      // What nohup, or a shell for its background jobs, has set to be ignored stays ignored.
      if signal != SIGTERM, SignalSource.isIgnored(signal) { continue }
      try SignalSource.on(signal, on: loop) { [weak self] _ in
        self?.take { core, now in core.signalled(status, at: now) }
      }
    }
  }

  // MARK: Events

  private func take(_ event: (inout ClientCore, Moment) -> [ClientCore.Action]) {
    perform(event(&core, now))
    update()
  }

  private func take(_ event: Console.Event) {
    take { core, now in
      switch event {
      case .lines(let lines): core.read(lines.map(ScriptLine.Content.init))
      case .interrupt: core.interrupted()
      case .quit: return core.quit(at: now)
      case .outputDrained(let lostLines): return core.outputDrained(lostLines: lostLines)
      case .outputFailed(let failure):
        return core.outputFailed(failure.message, isReaderGone: failure.isBrokenPipe, at: now)
      case .endOfInput(let error):
        return core.inputEnded(error: error?.message, isTerminalGone: isEditing, at: now)
      }
      return []
    }
  }

  /// Called after every event: sets the timer and the prompt, and runs commands on the next turn.
  private func update() {
    refresh()
    runCommandsLater()
  }

  private func runCommandsLater() {
    guard !turnIsDue, core.exitStatus == nil else { return }
    turnIsDue = true
    loop.nextTick { [weak self] in
      self?.turnIsDue = false
      self?.runCommands()
    }
  }

  private func refresh() {
    guard core.exitStatus == nil else { return }
    if let deadline = core.deadline {
      timer.schedule(at: start.advanced(by: deadline.sinceStart))
    } else {
      timer.unschedule()
    }
    console.setReading(core.wantsInput)
    console.refresh()
  }

  private func runCommands() {
    // After this number of commands the network and signals get their turn, however long the
    // script.
    var left = Self.commandsPerTurn
    while left > 0, !console.isFull, let actions = core.runCommand(at: now) {
      perform(actions)
      left -= 1
    }
    refresh()
    if left == 0 { runCommandsLater() }
  }

  // MARK: Actions

  private func perform(_ actions: [ClientCore.Action]) {
    for action in actions {
      switch action {
      case .connect(let target, let timeout): connector.connect(to: target, timeout: timeout)
      case .closeConnection: connector.close()
      case .send(let bytes): connector.send(bytes)
      case .print(let line): console.print(line)
      case .printAside(let line): console.printAside(line)
      case .complain(let line): console.complain(line)
      case .appendToCopy(let line):
        let complaint = copy?.write(line) { count in core.lineForLost(count) }
        if let complaint { console.complain(complaint) }
      case .openCopy(let path): openCopy(path)
      case .showHistory: perform(core.output(of: console.history))
      case .clearScreen: console.clear()
      case .stop: stop()
      case .exit(let isAtOnce): if isAtOnce || console.isDrained { loop.end() }
      }
    }
  }

  /// If the new copy cannot be opened, the old one stays in use.
  private func openCopy(_ path: String?) {
    do throws(CommandError) {
      let new = try path.map { path throws(CommandError) in try LogCopy(path: path) }
      copy = new
      core.copyOpened(path)
    } catch {
      core.commandFailed(error)
    }
  }

  private func stop() {
    console.close()
    copy = nil
    timer.cancel()
  }
}
