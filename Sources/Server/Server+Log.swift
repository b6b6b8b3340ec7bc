import TestTaskProgramBasics
import TestTaskDaemonSupport
import UVNet

extension Server {
  /// Notes an event for the log; what a turn of the loop notes is written together.
  func record(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogLine) -> Void = { _ in }
  ) {
    log.record(level, event, addFields)
    guard !isFlushScheduled, log.hasLines || log.owesWriting else { return }
    isFlushScheduled = true
    loop.nextTick(flushLater)
  }

  /// Writes what the log has collected.
  func flushLog() {
    isFlushScheduled = false
    log.flush()
    guard log.owesWriting else { return }
    reportLogFailure()
    scheduleWritingAgain()
  }

  /// Says on standard error that the log loses lines; once a minute, however often it begins anew.
  private func reportLogFailure() {
    guard let failure = log.failure else { return }
    if let told = logFailureToldAt, told.duration(to: loop.now) < .seconds(60) { return }
    logFailureToldAt = loop.now
    diagnostics.report(.error, "log \"\(failure.path)\": lines are lost: \(failure.reason)")
  }

  /// What the log or standard error did not take is tried again a little later.
  func scheduleWritingAgain() {
    guard let logRetryTimer, !logRetryTimer.isScheduled else { return }
    logRetryTimer.schedule(after: .seconds(1))
  }

  func writeAgain() {
    flushLog()
    diagnostics.flush()
    if diagnostics.owesWriting { scheduleWritingAgain() }
  }

  func reopenLog() {
    do throws(LogFile.Failure) {
      try log.reopen()
    } catch {
      diagnostics.report(
        .error, "log \"\(error.path)\" not reopened: \(error.reason); the old file stays in use")
    }
    if log.owesWriting { scheduleWritingAgain() }
  }

  /// The service manager's socket was full: what waits is sent a little later.
  func scheduleNotifying() { notifyRetryTimer?.schedule(after: .milliseconds(100)) }

  func notifyAgain() {
    notifier.sendWaiting()
    if notifier.isWaiting { scheduleNotifying() }
  }
}
