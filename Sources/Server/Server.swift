import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import UVNet

/// The server: one loop, one listener, and a session for each client that is connected.
///
/// What there is to decide is in value types of their own; this wires them to the loop:
///
/// - `Server+Clients`: clients that come, and what they send
/// - `Server+Sleeping`: requests that sleep
/// - `Server+Leaving`: clients that go
/// - `Server+Sweep`: what is looked at now and then, and what all clients together may hold
/// - `Server+Signals`: signals, and the end
/// - `Server+Reloading`: new settings while it runs
/// - `Server+Log`: the log, diagnostics, and the service manager
final class Server {
  // What it was told.
  let loader: SettingsLoader<Configuration>
  let diagnostics: Diagnostics
  var settings: Settings<Configuration>
  var configuration: Configuration { settings.values }
  var timeouts: ConnectionTimeouts

  // What it works with.
  let loop: EventLoop
  let notifier = ServiceNotifier()
  @exclusivity(unchecked) var log: EventLog
  var isFlushScheduled = false
  /// Made once: most turns of the loop have something to log.
  lazy var flushLater: () -> Void = { [unowned self] in flushLog() }
  var listener: TCPListener?
  var sleepTimer: LoopTimer?
  var sweepTimer: LoopTimer?
  var rejectionTimer: LoopTimer?
  var logRetryTimer: LoopTimer?
  /// When standard error was last told that the log loses lines.
  var logFailureToldAt: EventLoop.Instant?
  var statusTimer: LoopTimer?
  var notifyRetryTimer: LoopTimer?

  // Who is connected: sessions by their place in the sleep queue, which is their connection's tag.
  // Like all that is marked so, touched for a moment only: what runs meanwhile leaves it alone.
  @exclusivity(unchecked) var sessions: [Session?] = []
  var clientCount = 0
  var lastNumber: UInt64 = 0
  /// Connections turned away that the log has not heard of.
  var rejectedCount = 0
  /// Connections of clients that have left, whose last answers are still on their way.
  var lingeringCount = 0
  /// Those of them that wait for something, by their tag.
  var lingering: [Int: TCPConnection] = [:]
  /// Clients and lingering connections that there are descriptors for.
  var descriptorRoom: Int

  // What is asked and answered.
  @exclusivity(unchecked) var sleeping = SleepQueue()
  /// When the sleep timer fires; nanoseconds on the loop's clock.
  var wakingAt: UInt64?
  @exclusivity(unchecked) var fastAnswer = FastAnswer()
  var requestCount: UInt64 = 0
  /// ``requestCount`` when the service manager was last told the rate.
  var statusRequestCount: UInt64 = 0
  /// Bytes held for all connections: unsent answers and requests that wait behind them.
  var memory = MemoryLedger()
  var writeLimits: StreamConnection.WriteLimits
  /// Beside ``configuration``, since every read looks at it.
  var tightMarkBytes: Int

  // How it ends.
  var drain = Drain()
  var endSignal: Int32? { drain.signal }

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
    self.descriptorRoom = descriptorRoom
    self.diagnostics = diagnostics
    let values = settings.values
    timeouts = ConnectionTimeouts(values)
    writeLimits = values.writeLimits
    tightMarkBytes = values.tightMarkBytes
    log = try EventLog(
      path: values.logFile, format: values.logFormat, level: values.logLevel)
    loop = try EventLoop()
  }

  /// Listens, and says so.
  func start() throws {
    sleepTimer = .unscheduled(on: loop, isPrecise: true) { [unowned self] _ in answerDue() }
    sweepTimer = .unscheduled(on: loop) { [unowned self] _ in sweep() }
    rejectionTimer = .unscheduled(on: loop) { [unowned self] _ in reportRejections() }
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
      sendStatus()
      statusTimer = .every(.seconds(10), on: loop) { [unowned self] _ in sendStatus() }
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
