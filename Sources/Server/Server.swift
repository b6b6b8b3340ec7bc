import TestTaskProto
import UVNet

/// The server: one loop, one listener, and a session for each client that is connected.
///
/// What there is to decide is in value types of their own; this wires them to the loop. The
/// parts are in extensions: clients that come and what they send (`Server+Clients`), requests that
/// sleep (`Server+Sleeping`), clients that go (`Server+Leaving`), what is looked at now and then
/// (`Server+Sweep`), and signals, reloading and the end (`Server+Signals`).
final class Server {
  // What it was told.
  let loader: ConfigurationLoader
  let diagnostics: Diagnostics
  var source: ConfigurationSource
  var configuration: Configuration { source.values }
  var timeouts: ConnectionTimeouts

  // What it works with.
  let loop: EventLoop
  let notifier = ServiceNotifier()
  var log: ConnectionLog
  var listener: TCPListener?
  var sleepTimer: LoopTimer?
  var sweepTimer: LoopTimer?
  var rejectionTimer: LoopTimer?
  var logRetryTimer: LoopTimer?
  var statusTimer: LoopTimer?

  // Who is connected: sessions by their place in the sleep queue, which is their connection's tag.
  // Like all that is marked so, touched for a moment only: what runs meanwhile leaves it alone.
  @exclusivity(unchecked) var sessions: [Session?] = []
  var clientCount = 0
  var lastNumber: UInt64 = 0
  /// Connections turned away that the log has not heard of.
  var rejectedCount = 0
  /// Connections of clients that have left, whose last answers are still on their way.
  var lingeringCount = 0
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
  var heldBytes = 0
  /// Those of them that shared write limits allow before everybody gets tight ones.
  static let heldBytesMark = 64 << 20
  /// Those above which connections that take nothing are closed.
  static let heldBytesMaximum = 256 << 20
  var writeLimits: StreamConnection.WriteLimits
  static let tightLimits = StreamConnection.WriteLimits(
    highWaterMark: 4_095, lowWaterMark: 1_024, maximumPendingBytes: 65_536)

  // How it ends.
  var drain = Drain()
  var endSignal: Int32? { drain.signal }
  var isFlushScheduled = false

  /// Opens the log; nothing is listened on before ``start()``.
  ///
  /// - Parameters:
  ///   - loader: Where the settings come from, also when they are reloaded.
  ///   - source: The settings.
  ///   - descriptorRoom: Connections that there are descriptors for.
  ///   - diagnostics: Where the operator reads.
  /// - Throws: ``LogFile/Failure``, or the error of a loop that cannot be made.
  init(
    _ loader: ConfigurationLoader, _ source: ConfigurationSource, descriptorRoom: Int,
    diagnostics: Diagnostics
  ) throws {
    self.loader = loader
    self.source = source
    self.descriptorRoom = descriptorRoom
    self.diagnostics = diagnostics
    let values = source.values
    timeouts = ConnectionTimeouts(values)
    writeLimits = Self.writeLimits(values)
    log = try ConnectionLog(
      path: values.logFile, format: values.logFormat, level: values.logLevel)
    loop = try EventLoop()
  }

  /// Listens, and says so.
  func start() throws {
    sleepTimer = .unscheduled(on: loop) { [unowned self] _ in answerDue() }
    sweepTimer = .unscheduled(on: loop) { [unowned self] _ in sweep() }
    rejectionTimer = .unscheduled(on: loop) { [unowned self] _ in reportRejections() }
    logRetryTimer = .unscheduled(on: loop) { [unowned self] _ in flushLog() }
    do {
      // First: who reads that we listen may send a signal at once.
      try watchSignals()
      try listen()
    } catch {
      loop.closeAll()
      loop.run()
      try loop.close()
      throw error
    }
    notifier.send("READY=1")
    if notifier.isEnabled {
      statusTimer = .every(.seconds(10), on: loop) { [unowned self] _ in sendStatus() }
    }
    record(.info, "start") {
      guard let address = listener?.localAddress else { return }
      $0.add("address", address.host)
      $0.add("port", address.port)
    }
  }

  /// Serves until a signal ends it and the last answer is out.
  func run() throws {
    loop.run()
    log.flush()
    try loop.close()
  }

  /// Notes an event for the log; what a turn of the loop notes is written together.
  func record(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogLine) -> Void = { _ in }
  ) {
    log.record(level, event, addFields)
    guard !isFlushScheduled, log.hasLines || log.owesWriting else { return }
    isFlushScheduled = true
    loop.nextTick { [unowned self] in flushLog() }
  }

  func flushLog() {
    isFlushScheduled = false
    log.flush()
    if log.owesWriting { logRetryTimer?.schedule(after: .seconds(1)) }
  }

  static func writeLimits(_ values: Configuration) -> StreamConnection.WriteLimits {
    // The mark itself must already count as above it: decoding stops there.
    StreamConnection.WriteLimits(
      highWaterMark: values.pauseMarkBytes - 1, lowWaterMark: values.pauseMarkBytes / 4,
      maximumPendingBytes: values.writeBufferBytes)
  }
}
