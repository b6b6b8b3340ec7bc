import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import TestTaskServerCore
import UVNet

/// The server's shell: it tells ``ServerCore`` what happens on the loop, and does what the core asks for.
///
/// - `Server+Connections`: what connections do
/// - `Server+Actions`: what the core asks for
final class Server {
  let loop: EventLoop
  let output: DaemonOutput
  let listeners: DaemonListeners
  private let daemon: Daemon<Configuration>
  /// Listening sockets of the service manager.
  private let inherited: [InheritedSocket]
  /// The last TLS that was in force.
  ///
  /// A connection that was accepted with TLS still needs it when a reload has turned TLS off.
  private(set) var tls: DaemonTLS?
  /// What serves clients.
  ///
  /// The closures hold the server, which lets go of them at its end.
  private(set) var handlers: StreamConnection.Handlers?
  /// One for each ``Wakeup``.
  private(set) var timers: [LoopTimer] = []

  // No two accesses to one of these overlap: docs/workarounds.md says why, and that dynamic checks would
  // cost a fast request 299 instructions of 1 102, and a client that comes and leaves 390.
  @safe @exclusivity(unchecked) var core: ServerCore
  @safe @exclusivity(unchecked) var fastAnswer = FastAnswer()
  @safe @exclusivity(unchecked) var connections = ConnectionTable()
  var slowAnswer: [UInt8] = []

  /// Opens the log; nothing is listened on before ``start()``.
  ///
  /// - Parameters:
  ///   - start: The settings, and what the process was started with.
  ///   - descriptorRoom: Connections that there are descriptors for.
  /// - Throws: ``DaemonTLS/Failure``, ``LogFile/Failure``, or the error of a loop that cannot be made.
  init(_ start: DaemonStart<Configuration>, descriptorRoom: Int) throws {
    inherited = start.inherited
    let values = start.settings.values
    tls = try DaemonTLS(values.tls)
    core = ServerCore(values, descriptorRoom: descriptorRoom)
    connections.reserve(values.maxConnections)
    let log = try EventLog(
      path: values.logFile, format: values.logFormat, level: values.logLevel)
    loop = try EventLoop()
    output = DaemonOutput(log: log, diagnostics: start.diagnostics, on: loop)
    daemon = Daemon(start.settings, from: start.loader, output: output, on: loop)
    listeners = DaemonListeners(
      "listening", inherited: inherited.filter { !$0.isForMetrics }, values.listenerOptions,
      values.exposure, on: loop, diagnostics: start.diagnostics)
  }

  /// Listens, and says so.
  func start() throws {
    timers = Wakeup.allCases.map { wakeup in
      .unscheduled(on: loop, isPrecise: wakeup.isPrecise) { [unowned self] _ in wake(wakeup) }
    }
    do {
      // First: who reads that we listen may send a signal at once.
      try daemon.watchSignals(
        onEnd: { [unowned self] signal, name in
          core.signalled(signal, named: name, at: now, look: connections.traffic(at:))
          performActions()
        },
        prepare: { [unowned self] in tls = try DaemonTLS($0.tls) ?? tls },
        onReload: { [unowned self] in takeSettingsOver() })
      if let path = core.configuration.countFilePath {
        core.sharedCount = try CountFile.open(
          path, descriptorFrom: core.configuration.countDescriptor(inherited))
      }
      // Before the listeners: who reads that we listen may ask for metrics at once.
      try serveMetrics()
      try listen()
    } catch {
      handlers = nil
      loop.endAndClose()
      throw error
    }
    output.record(.info, "start") { listeners.addFields(to: &$0) }
    daemon.reportReady { [unowned self] in core.status() }
  }

  /// Serves until a signal ends it and the last answer is out.
  func run() throws {
    loop.run()
    handlers = nil
    output.flush()
    try loop.close()
  }

  /// Serves metrics where the settings or the service manager say so, and says on standard error where
  /// that is.
  private func serveMetrics() throws(ListenFailure) {
    guard core.configuration.servesMetrics(inherited) else { return }
    let endpoint = MetricsEndpoint(
      on: loop, inherited: inherited.filter(\.isForMetrics),
      MetricsEndpoint.Pages(
        metrics: { [unowned self] in core.metricsText(daemon.processFacts).bytes },
        complaint: { [unowned self] in core.complaint }),
      mode: core.configuration.socketMode, diagnostics: output.diagnostics)
    loop.measuresCallbacks = true
    loop.onCallbackMeasured { [unowned self] in core.metrics.countCallback($0) }
    try endpoint.listen(at: try core.configuration.placesOfMetrics) { [unowned self] in
      acceptFailed($0)
    }
  }

  /// Opens the listening sockets, or takes over those of the service manager, and says on standard error
  /// where each is.
  private func listen() throws(ListenFailure) {
    handlers = makeHandlers()
    try listeners.open(
      at: try core.configuration.placesToListen,
      DaemonListeners.Handlers(
        onError: { [unowned self] in acceptFailed($0) },
        onRefusedOption: { [unowned self] error in
          output.record(.debug, "option_failed") { $0.add("error", error.description) }
        },
        onConnection: { [unowned self] in accept($0, from: $1) }))
    core.sharesListeners = listeners.areShared
    if !listeners.inherited.isEmpty {
      output.diagnostics.print(
        .info,
        "these are the service manager's: address, port and socket of the settings are not used")
    }
  }

  private func takeSettingsOver() {
    let (room, warning) = daemon.settings.fitDescriptors(inherited)
    if let warning { output.diagnostics.report(.warning, warning) }
    let values = daemon.settings.values
    output.logLevel = values.logLevel
    core.reloaded(values, descriptorRoom: room)
    listeners.options = values.listenerOptions
    listeners.exposure = values.exposure
    for connection in connections.all { listeners.applyOptions(to: connection) }
    performActions()
  }
}

extension Settings<Configuration> {
  /// Raises the limit of descriptors to what the settings need, and lowers the clients to what it allows.
  ///
  /// - Parameter inherited: The service manager's sockets, which take descriptors too.
  /// - Returns: The connections that there is room for; and what to tell the operator, if they are fewer
  ///   than the settings say.
  mutating func fitDescriptors(_ inherited: [InheritedSocket]) -> (room: Int, warning: String?) {
    let room = DescriptorLimit.raise(
      for: values.maxConnections, reserve: values.reservedDescriptors(inherited))
    return (room, lowerConnections(to: room))
  }
}
