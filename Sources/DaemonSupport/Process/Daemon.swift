internal import TestTaskProgramBasics
package import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What any daemon does beside its work: it ends by signals, takes new settings over while it runs,
/// and tells the service manager how it is.
///
/// SIGTERM and SIGINT end it, SIGHUP reloads, SIGUSR1 reopens the log.
package final class Daemon<Values: SettingValues> {
  /// The settings in force.
  package var settings: Settings<Values>
  package let output: DaemonOutput
  private let loop: EventLoop
  private let loader: SettingsLoader<Values>
  var prepare: ((Values) throws -> Void)?
  private var isEnding = false
  /// Times that the settings were read again and taken over, and times that they had a mistake.
  private var reloads: (good: UInt64, failed: UInt64) = (0, 0)
  /// Nanoseconds since 1970.
  private let startedAt = UInt64(clamping: WallClock.nanoseconds)

  /// - Parameters:
  ///   - settings: The settings that it was started with.
  ///   - loader: Where they came from, and come from when they are reloaded.
  ///   - output: What it tells others with.
  ///   - loop: The loop that it runs on.
  package init(
    _ settings: Settings<Values>, from loader: SettingsLoader<Values>, output: DaemonOutput,
    on loop: EventLoop
  ) {
    self.settings = settings
    self.loader = loader
    self.output = output
    self.loop = loop
  }

  /// Watches the signals, until the loop ends.
  ///
  /// - Parameters:
  ///   - onEnd: Called at each signal to end, with its number and its name.
  ///   - prepare: Called with new values before they are taken over; none are when it throws, and the
  ///     operator is told what.
  ///   - onReload: Called when ``settings`` are new, which it may lower to what the machine allows;
  ///     never after `onEnd`.
  /// - Throws: The system's error.
  package func watchSignals(
    onEnd: @escaping (_ signal: Int32, _ name: String) -> Void,
    prepare: ((Values) throws -> Void)? = nil,
    onReload: @escaping () -> Void
  ) throws(UVError) {
    self.prepare = prepare
    // A log at a limit of file sizes is like one on a full disk: its lines are lost, and no more.
    signal(SIGXFSZ, SIG_IGN)
    for (signal, name) in [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT")] {
      // What a shell has set to be ignored, for a job in the background, stays ignored.
      if signal == SIGINT, SignalSource.isIgnored(signal) { continue }
      try SignalSource.on(signal, on: loop) { [self] _ in
        isEnding = true
        onEnd(signal, name)
      }
    }
    try SignalSource.on(SIGHUP, on: loop) { [self] _ in reload(onReload) }
    try SignalSource.on(SIGUSR1, on: loop) { [self] _ in output.reopenLog() }
  }

  /// Says that it is ready, and from now on how it is, every ten seconds.
  package func reportReady(_ status: @escaping () -> String) {
    let notifier = output.notifier
    notifier.send("READY=1")
    guard notifier.isEnabled else { return }
    notifier.send(status())
    LoopTimer.every(.seconds(10), on: loop) { _ in notifier.send(status()) }
  }

  /// What there is to say of the process now.
  package var processFacts: ProcessFacts {
    let counters = loop.counters
    var facts = ProcessFacts()
    facts.startedAt = startedAt
    facts.processorTime = ProcessorTime.nanoseconds
    facts.loopTurns = counters.turns
    facts.bytesRead = counters.bytesRead
    facts.bytesWritten = counters.bytesWritten
    facts.logLinesLost = output.logLinesLost
    (facts.reloads, facts.failedReloads) = reloads
    facts.version = ProgramVersion.number
    facts.libuv = "\(EventLoop.runningLibuv)"
    facts.swift = ProgramVersion.swift
    return facts
  }

  /// Takes the settings over that a running daemon can change, all of them or none.
  func reload(_ onReload: () -> Void) {
    // Too late for new settings, and whoever manages the service would take it for running.
    guard !isEnding else { return output.reopenLog() }
    output.notifier.send("RELOADING=1\nMONOTONIC_USEC=\(loop.now.nanoseconds / 1_000)")
    defer { output.notifier.send("READY=1") }
    // Whatever the ini is like; and first, so that the new log tells of the reload.
    output.reopenLog()
    let result = takeOver(onReload)
    if case .failed = result { reloads.failed += 1 } else { reloads.good += 1 }
    for line in result.lines {
      if line.isAsIs {
        output.diagnostics.print(line.level, line.text)
      } else {
        output.diagnostics.report(line.level, line.text)
      }
    }
    output.record(result.level, "reload") { result.addFields(to: &$0) }
  }

  private func takeOver(_ onReload: () -> Void) -> ReloadResult {
    do {
      let read = try loader.load()
      try prepare?(read.values)
      let waiting = read.needingRestart(from: settings)
      settings = read.reloaded(over: settings)
      onReload()
      return .reloaded(needingRestart: waiting)
    } catch let problems as SettingProblems {
      return .failed(problems)
    } catch {
      return .failed(SettingProblems(lines: ["error: \(error)"]))
    }
  }
}
