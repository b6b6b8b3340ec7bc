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

  /// Listening sockets that the service manager has opened; they are in the place of those of the settings.
  let inherited: [InheritedSocket]
  /// Those that are for metrics, in the place of those of the settings.
  let inheritedForMetrics: [InheritedSocket]
  var tcpListeners: [TCPListener] = []
  /// What secures connections by TCP; `nil` for the plain protocol.
  private(set) var tls: ServerTLS?
  var unixListeners: [UnixListener] = []
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

  /// Descriptors for everything that is not a client.
  ///
  /// They are three standard ones, two of them opened anew, the loop's ten, two listening sockets, the
  /// file of the count and the log; for a moment the log's reopening, the configuration, the service
  /// manager's socket and a client that is turned away; and those of metrics, where they are served.
  static func reservedDescriptors(_ values: Configuration, _ inherited: [InheritedSocket]) -> Int {
    21 + inherited.count
      + (values.servesMetrics || inherited.contains(where: \.isForMetrics)
        ? MetricsEndpoint.mostScrapers + 2 : 0)
  }

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
    self.inherited = inherited.filter { !$0.isForMetrics }
    inheritedForMetrics = inherited.filter(\.isForMetrics)
    let values = settings.values
    tls = try ServerTLS(values)
    core = ServerCore(values, descriptorRoom: descriptorRoom)
    let log = try EventLog(
      path: values.logFile, format: values.logFormat, level: values.logLevel)
    loop = try EventLoop()
    output = DaemonOutput(log: log, diagnostics: diagnostics, on: loop)
    daemon = Daemon(settings, from: loader, output: output, on: loop)
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
        if !inherited.isEmpty { return $0.add("inherited_sockets", inherited.count) }
        if let address = tcpListeners.first?.localAddress {
          $0.add("address", address.host)
          $0.add("port", Int(address.port))
        }
        if !unixListeners.isEmpty { $0.add("socket", configuration.socket) }
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
  private func shareCount() throws(CountFileFailure) {
    guard let path = configuration.countFilePath else { return }
    do throws(UVError) {
      // Above the descriptors of all clients: see SharedCounter.
      let number =
        configuration.maxConnections
        + Self.reservedDescriptors(configuration, inherited + inheritedForMetrics) - 1
      let counter = try SharedCounter(file: path, descriptorFrom: Int32(clamping: number))
      core.sharedCount = SharedCount(
        publish: { counter.own = UInt32(clamping: $0) }, others: { counter.others })
    } catch {
      throw CountFileFailure(error)
    }
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
      reserve: Self.reservedDescriptors(
        daemon.settings.values, inherited + inheritedForMetrics))
    if let warning = daemon.settings.lowerConnections(to: room) {
      output.diagnostics.report(.warning, warning)
    }
    output.logLevel = daemon.settings.values.logLevel
    core.reloaded(daemon.settings.values, descriptorRoom: room)
    inheritsSettings = listenersAreUpToDate
    for connection in connections.all { applySettings(to: connection) }
    performActions()
  }
}
