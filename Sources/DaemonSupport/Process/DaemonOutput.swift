package import TestTaskProgramBasics
package import UVNet

/// What a daemon tells others, on its loop: its log, standard error and the service manager.
///
/// None of them is ever waited for. What they do not take at once, timers of the loop try again.
package final class DaemonOutput {
  package let diagnostics: Diagnostics
  package let notifier: ServiceNotifier
  private var log: EventLog
  private let loop: EventLoop
  private var failureReports = FailureReports()
  private var isFlushScheduled = false
  /// Made once: most turns of the loop have something to log.
  private lazy var flushLater: () -> Void = { [weak self] in self?.flushLog() }

  private var writeTimer: LoopTimer?
  private var notifyTimer: LoopTimer?

  /// - Parameters:
  ///   - log: Where events go.
  ///   - diagnostics: Where the operator reads.
  ///   - notifier: What tells the service manager.
  ///   - loop: The loop whose turns write the log.
  package init(
    log: consuming EventLog, diagnostics: Diagnostics,
    notifier: ServiceNotifier = ServiceNotifier(),
    on loop: EventLoop
  ) {
    self.log = log
    self.diagnostics = diagnostics
    self.notifier = notifier
    self.loop = loop
    // All of them weak: the loop and the diagnostics may be used longer than this.
    writeTimer = .unscheduled(on: loop) { [weak self] _ in self?.writeAgain() }
    notifyTimer = .unscheduled(on: loop) { [weak self] _ in self?.notifyAgain() }
    notifier.onWaiting = { [weak self] in self?.notifyLater() }
    diagnostics.onLoss = { [weak self] in self?.writeLater() }
  }

  /// The level up to which events are logged.
  package var logLevel: LogLevel {
    get { log.level }
    set { log.level = newValue }
  }

  /// Lines that the log has not taken, in all.
  package var logLinesLost: UInt64 { log.linesLost }

  /// Notes an event for the log; what a turn of the loop notes is written together.
  package func record(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogText) -> Void = { _ in }
  ) {
    log.record(level, event, addFields)
    guard !isFlushScheduled, log.hasLines || log.owesWriting else { return }
    isFlushScheduled = true
    loop.nextTick(flushLater)
  }

  /// Opens the log anew, after a rotation; the old file stays in use if that fails.
  package func reopenLog() {
    do throws(LogFile.Failure) {
      try log.reopen()
    } catch {
      diagnostics.report(
        .error,
        "log \"\(error.path.escapedForTerminal)\" not reopened: \(error.reason); the old file stays in use"
      )
    }
    if log.owesWriting { writeLater() }
  }

  /// Writes what there is, before the process ends.
  package func flush() {
    log.flush()
    diagnostics.flush()
  }

  private func flushLog() {
    isFlushScheduled = false
    log.flush()
    guard log.owesWriting else { return }
    if let failure = log.failure, failureReports.isDue(at: loop.now) {
      diagnostics.report(
        .error, "log \"\(failure.path.escapedForTerminal)\": lines are lost: \(failure.reason)")
    }
    writeLater()
  }

  /// What the log or standard error did not take is tried again a second later.
  private func writeLater() {
    if let writeTimer, !writeTimer.isScheduled { writeTimer.schedule(after: .seconds(1)) }
  }

  private func writeAgain() {
    flushLog()
    diagnostics.flush()
    if diagnostics.owesWriting { writeLater() }
  }

  /// The service manager's socket was full: what waits is sent a little later.
  private func notifyLater() { notifyTimer?.schedule(after: .milliseconds(100)) }

  private func notifyAgain() {
    notifier.sendWaiting()
    if notifier.isWaiting { notifyLater() }
  }
}
