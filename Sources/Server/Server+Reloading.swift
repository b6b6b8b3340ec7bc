import TestTaskProgramBasics
import TestTaskDaemonSupport
import UVNet

extension Server {
  /// Descriptors for everything that is not a client: three standard ones, two of them opened anew,
  /// the loop's ten, the log, and for a moment the log's reopening, the configuration, the service
  /// manager's socket and a client that is turned away.
  static let reservedDescriptors = 20

  /// Takes the settings over that a running server can change, all of them or none.
  func reload() {
    // Too late for new settings, and whoever manages the service would take it for running.
    guard !drain.hasBegun else { return reopenLog() }
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
    descriptorRoom = DescriptorLimit.raise(
      for: configuration.maxConnections, reserve: Self.reservedDescriptors)
    if let asked = settings.lowerConnections(to: descriptorRoom) { warnOfLowering(from: asked) }
    timeouts = ConnectionTimeouts(configuration)
    writeLimits = configuration.writeLimits
    tightMarkBytes = configuration.tightMarkBytes
    log.level = configuration.logLevel
    for case let session? in sessions {
      session.isTight = false
      applyLimits(to: session.connection)
    }
    return waiting
  }

  func warnOfLowering(from asked: Int) {
    diagnostics.report(
      .warning,
      "max_connections lowered from \(asked) to \(configuration.maxConnections): "
        + "the process may have no more descriptors (ulimit -n)")
  }
}
