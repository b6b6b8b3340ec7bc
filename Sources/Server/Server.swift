import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import TestTaskServerCore
import UVNet

/// The server's shell: one loop, and all that it tells ``ServerCore`` of, which decides.
///
/// - `Server+Listening`: the listeners
/// - `Server+Connections`: what connections do
/// - `Server+Actions`: what the core asks for
final class Server {
  let loop: EventLoop
  let output: DaemonOutput
  private let daemon: Daemon<Configuration>
  var configuration: Configuration { core.configuration }

  var tcpListener: TCPListener?
  /// What secures connections by TCP; `nil` for the plain protocol.
  private(set) var tls: ServerTLS?
  var unixListener: UnixListener?
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

  /// Descriptors for everything that is not a client: three standard ones, two of them opened anew,
  /// the loop's ten, the listening sockets, the log, and for a moment the log's reopening, the configuration, the service
  /// manager's socket and a client that is turned away.
  static let reservedDescriptors = 20

  /// Opens the log; nothing is listened on before ``start()``.
  ///
  /// - Parameters:
  ///   - loader: Where the settings come from, also when they are reloaded.
  ///   - settings: What it read.
  ///   - descriptorRoom: Connections that there are descriptors for.
  ///   - diagnostics: Where the operator reads.
  /// - Throws: ``ServerTLS/Failure``, ``LogFile/Failure``, or the error of a loop that cannot be made.
  init(
    _ loader: SettingsLoader<Configuration>, _ settings: Settings<Configuration>,
    descriptorRoom: Int, diagnostics: Diagnostics
  ) throws {
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
      try listen()
      output.record(.info, "start") {
        if let address = tcpListener?.localAddress {
          $0.add("address", address.host)
          $0.add("port", Int(address.port))
        }
        if unixListener != nil { $0.add("socket", configuration.socket) }
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
      for: daemon.settings.values.maxConnections, reserve: Self.reservedDescriptors)
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
