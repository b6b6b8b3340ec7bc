internal import TestTaskProgramBasics

extension ServerCore {
  /// Somebody wants the server to end: the first signal drains, a second one ends it now.
  ///
  /// - Parameters:
  ///   - signal: The signal's number.
  ///   - name: What the log calls it.
  ///   - now: The time.
  ///   - look: What there is to see of the connection at a place.
  package mutating func signalled(
    _ signal: Int32, named name: String, at now: UInt64, look: (_ place: Int) -> Traffic
  ) {
    let patience = UInt64(clamping: configuration.drainTimeoutSeconds) * 1_000_000_000
    switch drain.signalled(signal, at: now, patience: patience, handsOver: sharesListeners) {
    case .begin:
      actions.append(.notify("STOPPING=1"))
      beginDrain(name, at: now, look)
    case .handOver(let time):
      handOverSignal = name
      actions.append(.notify("STOPPING=1"))
      actions.append(.leaveToOthers)
      actions.append(.wake(.endOfHandOver, at: time))
    case .exitNow: exitNow(signal, name, at: now)
    case .wait: break
    }
  }

  /// The time is over in which the server went on beside those that take its place.
  mutating func endHandOver(at now: UInt64, _ look: (_ place: Int) -> Traffic) {
    if drain.endsHandOver() { beginDrain(handOverSignal, at: now, look) }
  }

  private mutating func beginDrain(_ name: String, at now: UInt64, _ look: (Int) -> Traffic) {
    actions.append(.stopListening)
    var droppedPlaces: [Int] = []
    let dropped = sleeping.drop(after: drain.deadline) { droppedPlaces.append($0.index) }
    for place in droppedPlaces { clients.update(place) { $0.dropped += 1 } }
    actions.append(
      .log(
        .info,
        .drain(
          signal: name, clients: clients.count, sleeping: sleeping.count, dropped: dropped)))
    if dropped > 0 {
      actions.append(
        .report(.warning, "sleeping requests dropped, due after the drain timeout: \(dropped)"))
    }
    actions.append(.hastenLingering(within: .milliseconds(250)))
    for place in clients.taken { takeStep(place, unsent: look(place).unsent, at: now) }
    actions.append(.wake(.endOfDrain, at: drain.deadline))
    endIfDrained()
  }

  private mutating func takeStep(_ place: Int, unsent: Int, at now: UInt64) {
    guard let owner = clients.owner(place) else { return }
    switch DrainStep(unsent: unsent, sleepingRequests: sleeping.sleeping(of: owner)) {
    case .closeNow, .sendAndClose:
      leave(place, .shutdown, gracefully(isFilled: false), at: now)
    case .waitForSleeping:
      // Read and thrown away from now on: only so is the client's own end noticed.
      clients.update(place) { client in
        client.reader.dropAll()
        client.backpressure.subtract([.filled, .resting])
      }
      note(place, unsent: unsent)
      if clients.read(place, { $0.hasEnded }) != true { actions.append(.resume(place)) }
    }
  }

  /// Whoever is left has had its time; but what was due by then is answered first, whichever timer has
  /// come first.
  mutating func abandonDrain(at now: UInt64) {
    if let next = sleeping.nextDeadline(), next <= drain.deadline {
      return actions.append(.wakeNextTurn(.endOfDrain))
    }
    guard drain.isAbandoned() else { return }
    for place in clients.taken { leave(place, .shutdown, .atOnce, at: now) }
    stop()
  }

  mutating func endIfDrained() {
    if drain.ends(clients: clients.count, lingering: lingeringCount) { stop() }
  }

  private mutating func stop() {
    _ = logRejections()
    actions.append(.log(.info, .stop(signal: nil)))
    actions.append(.stop)
  }

  private mutating func exitNow(_ signal: Int32, _ name: String, at now: UInt64) {
    for place in clients.taken { leave(place, .shutdown, .atOnce, at: now) }
    _ = logRejections()
    actions.append(.log(.warning, .stop(signal: name)))
    actions.append(.exit(128 + signal))
  }

  /// Whether clients are no longer served, but for the answers that are due.
  var isDraining: Bool { drain.hasBegun }
}
