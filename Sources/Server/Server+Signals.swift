import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Server {
  func watchSignals() throws {
    // A log at a limit of file sizes is like one on a full disk: its lines are lost, and no more.
    signal(SIGXFSZ, SIG_IGN)
    for (signal, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
      // What a shell has set to be ignored, for a job in the background, stays ignored.
      if signal == SIGINT, SignalSource.isIgnored(signal) { continue }
      try SignalSource.on(signal, on: loop) { [unowned self] _ in
        core.signalled(signal, named: name, at: loop.now.nanoseconds) { [connections] place in
          connections[place]?.pendingBytes ?? 0
        }
        performActions()
      }
    }
    try SignalSource.on(SIGHUP, on: loop) { [unowned self] _ in reload() }
    try SignalSource.on(SIGUSR1, on: loop) { [unowned self] _ in reopenLog() }
  }

  // MARK: Reloading

  /// Descriptors for everything that is not a client: three standard ones, two of them opened anew,
  /// the loop's ten, the log, and for a moment the log's reopening, the configuration, the service
  /// manager's socket and a client that is turned away.
  static let reservedDescriptors = 20

  /// Takes the settings over that a running server can change, all of them or none.
  private func reload() {
    // Too late for new settings, and whoever manages the service would take it for running.
    guard !core.isEnding else { return reopenLog() }
    notifier.send("RELOADING=1\nMONOTONIC_USEC=\(loop.now.nanoseconds / 1_000)")
    defer { notifier.send("READY=1") }
    // Whatever the ini is like; and first, so that the new log tells of the reload.
    reopenLog()
    do throws(SettingProblems) {
      let waiting = try takeOver(loader.load())
      for key in waiting {
        diagnostics.report(.warning, "reloaded; a new \"\(key)\" needs a restart")
      }
      if waiting.isEmpty { diagnostics.report(.info, "reloaded") }
      record(.info, "reload") {
        $0.add("result", "ok")
        if !waiting.isEmpty { $0.add("needs_restart", waiting.joined(separator: ",")) }
      }
    } catch {
      for line in error.lines { diagnostics.print(.error, line) }
      diagnostics.report(.error, "not reloaded; the settings stay as they were")
      record(.error, "reload") {
        $0.add("result", "failed")
        $0.add("problems", error.lines.count)
      }
    }
  }

  /// - Returns: The keys whose new values need a restart.
  private func takeOver(_ read: Settings<Configuration>) -> [String] {
    let waiting = read.needingRestart(from: settings)
    settings = read.reloaded(over: settings)
    let room = DescriptorLimit.raise(
      for: configuration.maxConnections, reserve: Self.reservedDescriptors)
    if let asked = settings.lowerConnections(to: room) { warnOfLowering(from: asked) }
    log.level = configuration.logLevel
    core.reloaded(configuration, descriptorRoom: room)
    inheritsSettings = listener?.options == listenerOptions
    for case let connection? in connections { applySettings(to: connection) }
    performActions()
    return waiting
  }

  func warnOfLowering(from asked: Int) {
    diagnostics.report(
      .warning,
      "max_connections lowered from \(asked) to \(configuration.maxConnections): "
        + "the process may have no more descriptors (ulimit -n)")
  }
}
