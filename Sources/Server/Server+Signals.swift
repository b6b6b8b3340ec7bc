import TestTaskProgramBasics
import TestTaskDaemonSupport
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
    for signal in [SIGTERM, SIGINT] {
      // What a shell has set to be ignored, for a job in the background, stays ignored.
      if signal == SIGINT, SignalSource.isIgnored(signal) { continue }
      try SignalSource.on(signal, on: loop) { [unowned self] _ in end(signal) }
    }
    try SignalSource.on(SIGHUP, on: loop) { [unowned self] _ in reload() }
    try SignalSource.on(SIGUSR1, on: loop) { [unowned self] _ in reopenLog() }
  }

  // MARK: Ending

  /// The first signal drains; a second one ends it now.
  private func end(_ signal: Int32) {
    let patience = UInt64(configuration.drainTimeoutSeconds) * 1_000_000_000
    switch drain.signalled(signal, at: loop.now.nanoseconds, patience: patience) {
    case .begin: beginDrain(signal)
    case .exitNow: endNow(signal)
    }
  }

  private func beginDrain(_ signal: Int32) {
    notifier.send("STOPPING=1")
    listener?.close()
    let dropped = sleeping.drop(after: drain.deadline)
    record(.info, "drain") {
      $0.add("signal", Self.name(of: signal))
      $0.add("clients", clientCount)
      $0.add("sleeping", sleeping.count)
      $0.add("dropped", dropped)
    }
    if dropped > 0 {
      diagnostics.report(
        .warning, "sleeping requests dropped, due after the drain timeout: \(dropped)")
    }
    hastenLingering()
    for case let session? in sessions { takeStep(session) }
    let timer = LoopTimer.unscheduled(on: loop) { [unowned self] _ in abandonDrain() }
    timer.schedule(at: EventLoop.Instant(nanoseconds: drain.deadline))
    endIfDrained()
  }

  private func takeStep(_ session: Session) {
    session.undecoded = []
    let step = DrainStep(
      unsent: session.connection.pendingBytes,
      sleepingRequests: sleeping.sleeping(of: session.owner))
    switch step {
    case .closeNow, .sendAndClose:
      leave(session, .shutdown, .gracefully)
    case .waitForSleeping:
      // Read and thrown away from now on: only so is the client's own end noticed.
      session.connection.resumeReading()
    }
  }

  /// Whoever is left has had its time; but what is due by the deadline itself is answered first,
  /// whichever timer the loop has called first, and leaves before the connections are closed.
  private func abandonDrain() {
    answerDue()
    loop.nextTick { [unowned self] in
      if let next = sleeping.nextDeadline(), next <= drain.deadline { return abandonDrain() }
      guard drain.isAbandoned() else { return }
      for case let session? in sessions { leave(session, .shutdown, .atOnce) }
      stop()
    }
  }

  func endIfDrained() {
    if drain.ends(clients: clientCount, lingering: lingeringCount) { stop() }
  }

  private func stop() {
    reportRejections()
    record(.info, "stop")
    loop.end()
  }

  private func endNow(_ signal: Int32) {
    for case let session? in sessions { leave(session, .shutdown, .atOnce) }
    reportRejections()
    record(.warning, "stop") { $0.add("signal", Self.name(of: signal)) }
    log.flush()
    exit(128 + signal)
  }

  private static func name(of signal: Int32) -> String {
    signal == SIGTERM ? "SIGTERM" : "SIGINT"
  }
}
