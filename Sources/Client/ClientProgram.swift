import TestTaskClientCore
import TestTaskProgramBasics
import TestTaskTerminalSupport
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The client's shell: a loop, a console and a connector, which report to ``ClientCore``, and do what
/// it answers.
final class ClientProgram {
  private let loop: EventLoop
  private let start: EventLoop.Instant
  private let tls: ClientTLS?
  private var core: ClientCore
  /// The copy of the log.
  private var copy: LineWriter?
  private static let commandsPerTurn = 100
  private var turnIsDue = false

  private var now: Moment { Moment(start.duration(to: loop.now)) }

  private lazy var timer = LoopTimer.unscheduled(on: loop) { [unowned self] _ in
    respond(core.advance(to: now))
  }

  private lazy var connector = Connector(
    on: loop, tls: tls,
    onEvent: { [unowned self] event in respond(core.handle(event, at: now)) },
    onData: { [unowned self] bytes in respond(core.received(bytes, at: now)) })

  private lazy var console = Console(
    "testtask-client", on: loop, isEditing: core.options.isEditing,
    complete: { [unowned self] text in core.completion(of: text) },
    prompt: { [unowned self] in core.prompt(at: now) },
    onEvent: { [unowned self] event in respond(core.handle(event, at: now)) })

  /// A program as the command line asks for it; nothing happens before ``run()``.
  init(_ line: ClientCommandLine) throws {
    let streams = StandardStreams.current
    let options = try line.options(streams)
    // What may fail comes before the loop, which must be closed once it is made.
    let file = try options.scriptPath.map { path throws(CommandError) in try Self.script(path) }
    tls = try ClientTLS(line.tls, handshakeTimeout: options.connectTimeout)
    core = ClientCore(options, log: line.log(streams), file: file) { WallClock.nanoseconds }
    if let path = line.copyPath {
      copy = try Self.copy(path)
      core.copyOpened(path)
    }
    loop = try EventLoop()
    start = loop.now
  }

  /// Runs the loop until the program is to exit, and returns the exit status.
  func run() throws -> ExitStatus {
    do {
      try watchSignals()
      if core.options.readsInput { try console.open() }
    } catch {
      stop()
      loop.endAndClose()
      throw error
    }
    respond(core.start(at: now))
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
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
      // What nohup, or a shell for its background jobs, has set to be ignored stays ignored.
      if signal != SIGTERM, SignalSource.isIgnored(signal) { continue }
      try SignalSource.on(signal, on: loop) { [unowned self] _ in
        respond(core.signalled(signal, at: now))
      }
    }
  }

  // MARK: After an event

  /// Called after every event: performs the actions, sets the timer and the prompt, and runs commands on
  /// the next turn.
  private func respond(_ actions: [ClientCore.Action]) {
    perform(actions)
    refresh()
    runCommandsLater()
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

  private func runCommandsLater() {
    guard !turnIsDue, core.exitStatus == nil else { return }
    turnIsDue = true
    loop.nextTick { [unowned self] in
      turnIsDue = false
      runCommands()
    }
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
      case .appendToCopy(let line): appendToCopy(line)
      case .openCopy(let path): openCopy(path)
      case .showHistory: perform(core.output(of: console.history))
      case .clearScreen: console.clear()
      case .stop: stop()
      case .exit(let isAtOnce): if isAtOnce || console.isDrained { loop.end() }
      }
    }
  }

  private func appendToCopy(_ line: String) {
    copy?.write(line + "\n") { count in Array((core.lineForLost(count) + "\n").utf8) }
    perform(
      core.copyWritten(isBehind: copy?.owesWriting ?? false, failure: copy?.failure?.message))
  }

  /// If the new copy cannot be opened, the old one stays in use.
  private func openCopy(_ path: String?) {
    do throws(CommandError) {
      if let path { copy = try Self.copy(path) } else { copy = nil }
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

  // MARK: Files

  private static func copy(_ path: String) throws(CommandError) -> LineWriter {
    do throws(Descriptor.Failure) {
      return try LineWriter(appendingTo: path, mode: 0o644)
    } catch {
      throw CommandError(cannot: "open the log file", path, error)
    }
  }

  private static func script(_ path: String) throws(CommandError) -> ScriptFile {
    do throws(Descriptor.Failure) {
      let content = try Descriptor.readFile(path, limit: 1 << 26, isPrivate: false)
      return ScriptFile(name: path, content: content)
    } catch {
      throw CommandError(cannot: "read", path, error)
    }
  }
}
