import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import TestTaskServerCore
import UVNet

/// The server's shell: one loop, and all that it tells ``ServerCore`` of, which decides.
///
/// - `Server+Listening`: the listeners
/// - `Server+Opening`: what comes before a client is served
/// - `Server+Connections`: what connections do
/// - `Server+Actions`: what the core asks for
/// - `Server+Metrics`: what is told whoever watches
final class Server {
  let loop: EventLoop
  let output: DaemonOutput
  let daemon: Daemon<Configuration>
  var configuration: Configuration { core.configuration }

  let listeners: DaemonListeners
  /// Listening sockets of the service manager's that are for metrics.
  let inheritedForMetrics: [InheritedSocket]
  /// What secures connections by TCP; `nil` for the plain protocol.
  private(set) var tls: ServerTLS?
  /// Whether accepted connections inherit today's settings from their listener, and not older ones.
  var inheritsSettings = true
  var answerTimer: LoopTimer?
  var sweepTimer: LoopTimer?
  var rejectionTimer: LoopTimer?

  // Each access is over before anything else of the program runs: the core calls nothing but what
  // an event hands it, and that touches none of these. Dynamic exclusivity checks would cost a fast
  // request 299 instructions of 1 102, and a client that comes and leaves 390 (docs/workarounds.md).
  @safe @exclusivity(unchecked) var core: ServerCore
  @safe @exclusivity(unchecked) var fastAnswer = FastAnswer()
  @safe @exclusivity(unchecked) var connections = ConnectionTable()
  var slowAnswer: [UInt8] = []
  /// Nanoseconds since 1970.
  let startedAt = UInt64(clamping: WallClock.nanoseconds)

  /// Opens the log; nothing is listened on before ``start()``.
  ///
  /// - Parameters:
  ///   - loader: Where the settings come from, also when they are reloaded.
  ///   - settings: What it read.
  ///   - inherited: Listening sockets of the service manager.
  ///   - descriptorRoom: Connections that there are descriptors for.
  ///   - diagnostics: Where the operator reads.
  /// - Throws: ``ServerTLS/Failure``, ``LogFile/Failure``, or the error of a loop that cannot be made.
  init(
    _ loader: SettingsLoader<Configuration>, _ settings: Settings<Configuration>,
    inherited: [InheritedSocket], descriptorRoom: Int, diagnostics: Diagnostics
  ) throws {
    inheritedForMetrics = inherited.filter(\.isForMetrics)
    let values = settings.values
    tls = try ServerTLS(values)
    core = ServerCore(values, descriptorRoom: descriptorRoom)
    connections.reserve(values.maxConnections)
    let log = try EventLog(
      path: values.logFile, format: values.logFormat, level: values.logLevel)
    loop = try EventLoop()
    output = DaemonOutput(log: log, diagnostics: diagnostics, on: loop)
    daemon = Daemon(settings, from: loader, output: output, on: loop)
    listeners = DaemonListeners(
      "listening", inherited: inherited.filter { !$0.isForMetrics }, on: loop,
      diagnostics: diagnostics)
  }

  /// Listens, and says so.
  func start() throws {
    answerTimer = .unscheduled(on: loop, isPrecise: true) { [unowned self] _ in answerDue() }
    sweepTimer = .unscheduled(on: loop) { [unowned self] _ in sweep() }
    rejectionTimer = .unscheduled(on: loop) { [unowned self] _ in
      core.reportRejections()
      performActions()
    }
    do {
      // First: who reads that we listen may send a signal at once.
      try daemon.watchSignals(
        onEnd: { [unowned self] signal, name in end(by: signal, name) },
        prepare: { [unowned self] values throws(SettingProblems) in try readCertificates(values) },
        onReload: { [unowned self] in takeSettingsOver() })
      try shareCount()
      // Before the listeners: who reads that we listen may ask for metrics at once.
      try serveMetrics()
      try listen()
      output.record(.info, "start") {
        if !listeners.inherited.isEmpty {
          return $0.add("inherited_sockets", listeners.inherited.count)
        }
        if let address = listeners.tcp.first?.localAddress {
          $0.add("address", address.host)
          $0.add("port", Int(address.port))
        }
        if !listeners.unix.isEmpty { $0.add("socket", configuration.socket) }
      }
    } catch {
      loop.endAndClose()
      throw error
    }
    daemon.reportReady { [unowned self] in core.status() }
  }

  /// Serves until a signal ends it and the last answer is out.
  func run() throws {
    loop.run()
    output.flush()
    try loop.close()
  }

  /// Counts clients together with other processes, if the settings say so.
  private func shareCount() throws(CountFile.Failure) {
    guard let path = configuration.countFilePath else { return }
    let counter = try CountFile.open(
      path, descriptorFrom: configuration.maxConnections + reservedDescriptors(configuration) - 1)
    core.sharedCount = SharedCount(
      publish: { counter.own = UInt32(clamping: $0) }, others: { counter.others })
  }

  private func reservedDescriptors(_ values: Configuration) -> Int {
    values.reservedDescriptors(listeners.inherited + inheritedForMetrics)
  }

  private func end(by signal: Int32, _ name: String) {
    core.signalled(signal, named: name, at: loop.now.nanoseconds) { [connections] place in
      connections[place]?.pendingBytes ?? 0
    }
    performActions()
  }

  /// Reads the certificates anew, for connections that come from now on.
  private func readCertificates(_ values: Configuration) throws(SettingProblems) {
    do throws(ServerTLS.Failure) {
      tls = try ServerTLS(values)
    } catch {
      throw SettingProblems(lines: ["error: \(error)"])
    }
  }

  private func takeSettingsOver() {
    let room = DescriptorLimit.raise(
      for: daemon.settings.values.maxConnections,
      reserve: reservedDescriptors(daemon.settings.values))
    if let warning = daemon.settings.lowerConnections(to: room) {
      output.diagnostics.report(.warning, warning)
    }
    output.logLevel = daemon.settings.values.logLevel
    core.reloaded(daemon.settings.values, descriptorRoom: room)
    inheritsSettings = listeners.have(configuration.listenerOptions)
    for connection in connections.all { applySettings(to: connection) }
    performActions()
  }
}
