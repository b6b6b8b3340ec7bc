import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import TestTaskServerCore
import UVNet

/// The server's shell: one loop, and all that it tells ``ServerCore`` of, which decides.
///
/// - `Server+Connections`: the listener, and what connections do
/// - `Server+Actions`: what the core asks for
/// - `Server+Log`: log and diagnostics
/// - `Server+Signals`: signals, and new settings while it runs
final class Server {
  let loader: SettingsLoader<Configuration>
  let diagnostics: Diagnostics
  var settings: Settings<Configuration>

  let loop: EventLoop
  let notifier = ServiceNotifier()
  var log: EventLog
  var isFlushScheduled = false
  /// Made once: most turns of the loop have something to log.
  lazy var flushLater: () -> Void = { [unowned self] in flushLog() }
  var listener: TCPListener?
  /// Whether accepted connections inherit today's settings from the listener, and not older ones.
  var inheritsSettings = true
  var answerTimer: LoopTimer?
  var sweepTimer: LoopTimer?
  var rejectionTimer: LoopTimer?
  var logRetryTimer: LoopTimer?
  var notifyRetryTimer: LoopTimer?
  private var statusTimer: LoopTimer?
  /// When standard error was last told that the log loses lines.
  var logFailureToldAt: EventLoop.Instant?

  // Each access is over before anything else of the program runs: the core calls nothing but what
  // an event hands it, and that touches neither. Dynamic exclusivity checks would cost a fast request
  // 299 instructions of 1 102 (docs/workarounds.md).
  @exclusivity(unchecked) var core: ServerCore
  @exclusivity(unchecked) var fastAnswer = FastAnswer()
  var slowAnswer: [UInt8] = []
  /// Connections by their clients' places, which are their tags.
  var connections: [TCPConnection?] = []
  /// Connections of clients that have left and not got all yet, by their tags, which are negative.
  var lingering: [Int: TCPConnection] = [:]

  /// Opens the log; nothing is listened on before ``start()``.
  ///
  /// - Parameters:
  ///   - loader: Where the settings come from, also when they are reloaded.
  ///   - settings: What it read.
  ///   - descriptorRoom: Connections that there are descriptors for.
  ///   - diagnostics: Where the operator reads.
  /// - Throws: ``LogFile/Failure``, or the error of a loop that cannot be made.
  init(
    _ loader: SettingsLoader<Configuration>, _ settings: Settings<Configuration>,
    descriptorRoom: Int, diagnostics: Diagnostics
  ) throws {
    self.loader = loader
    self.settings = settings
    self.diagnostics = diagnostics
    let values = settings.values
    core = ServerCore(values, descriptorRoom: descriptorRoom)
    log = try EventLog(path: values.logFile, format: values.logFormat, level: values.logLevel)
    loop = try EventLoop()
  }

  /// Listens, and says so.
  func start() throws {
    answerTimer = .unscheduled(on: loop, isPrecise: true) { [unowned self] _ in answerDue() }
    sweepTimer = .unscheduled(on: loop) { [unowned self] _ in sweep() }
    rejectionTimer = .unscheduled(on: loop) { [unowned self] _ in
      core.reportRejections()
      performActions()
    }
    logRetryTimer = .unscheduled(on: loop) { [unowned self] _ in writeAgain() }
    notifyRetryTimer = .unscheduled(on: loop) { [unowned self] _ in notifyAgain() }
    notifier.onWaiting = { [unowned self] in scheduleNotifying() }
    diagnostics.onLoss = { [unowned self] in scheduleWritingAgain() }
    do {
      // First: who reads that we listen may send a signal at once.
      try watchSignals()
      try listen()
    } catch {
      loop.end()
      loop.run()
      try loop.close()
      throw error
    }
    notifier.send("READY=1")
    if notifier.isEnabled {
      notifier.send(core.status())
      statusTimer = .every(.seconds(10), on: loop) { [unowned self] _ in
        notifier.send(core.status())
      }
    }
    record(.info, "start") {
      guard let address = listener?.localAddress else { return }
      $0.add("address", address.host)
      $0.add("port", Int(address.port))
    }
  }

  /// Serves until a signal ends it and the last answer is out.
  func run() throws {
    loop.run()
    log.flush()
    diagnostics.flush()
    try loop.close()
  }
}
