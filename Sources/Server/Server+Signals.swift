import ProgramSupport
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension Server {
  func watchSignals() throws {
    for signal in [SIGTERM, SIGINT] {
      try SignalSource.on(signal, on: loop) { [unowned self] _ in end(signal) }
    }
    try SignalSource.on(SIGHUP, on: loop) { [unowned self] _ in reload() }
    try SignalSource.on(SIGUSR1, on: loop) { [unowned self] _ in reopenLog() }
  }

  // MARK: Ending

  /// The first signal drains; a second one ends it now.
  private func end(_ signal: Int32) {
    guard endSignal == nil else { return endNow(signal) }
    endSignal = signal
    notifier.send("STOPPING=1")
    listener?.close()
    let patience = Duration.seconds(Int64(configuration.drainTimeoutSeconds))
    drainDeadline = loop.now.advanced(by: patience)
    let dropped = sleeping.drop(after: drainDeadline.nanoseconds)
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
    for case let session? in sessions { drain(session) }
    LoopTimer.after(patience, on: loop) { [unowned self] _ in abandonDrain() }
    endIfDrained()
  }

  private func drain(_ session: Session) {
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

  /// Whoever is left has had its time.
  private func abandonDrain() {
    for case let session? in sessions { leave(session, .shutdown, .atOnce) }
    finish()
  }

  func endIfDrained() {
    if endSignal != nil, clientCount == 0, lingeringCount == 0 { finish() }
  }

  private func finish() {
    guard !isFinished else { return }
    isFinished = true
    reportRejections()
    record(.info, "stop")
    loop.closeAll()
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
