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

  func flushLog() {
    isFlushScheduled = false
    log.flush()
    if log.owesWriting { logRetryTimer?.schedule(after: .seconds(1)) }
  }

  func reopenLog() {
    do throws(LogFile.Failure) {
      try log.reopen()
    } catch {
      diagnostics.report(
        .error, "log \"\(error.path)\" not reopened: \(error.reason); the old file stays in use")
    }
    if log.owesWriting { logRetryTimer?.schedule(after: .seconds(1)) }
  }

  /// Tells the service manager how things are.
  func sendStatus() {
    let rate = (requestCount - statusRequestCount) / 10
    statusRequestCount = requestCount
    notifier.send(
      "STATUS=\(clientCount) clients, \(sleeping.count) sleeping requests, \(rate) requests/s")
  }
}
