internal import TestTaskDaemonSupport
package import TestTaskProgramBasics
internal import TestTaskProto

extension ServerCore {
  /// How long a client that has left may keep a drain waiting for its own end.
  private static let drainPatience = Duration.milliseconds(250)

  /// Sends what was written, then closes.
  ///
  /// - Parameter isFilled: Whether the client had enough answers to be paused: it reads slowly, or
  ///   not at all.
  /// - Returns: How its connection ends.
  func gracefully(isFilled: Bool) -> Departure.Ending {
    // Answers that are due have the whole drain for their way out, but nobody waits long for the
    // client's own end: only so that what it sent meanwhile, unread, does not make ours a reset.
    if drain.hasBegun { return .onceSent(within: Self.drainPatience) }
    let isPatient = isFilled && memory.total <= tightMarkBytes
    return .gracefully(
      within: .seconds(isPatient ? Int64(configuration.stuckPeerTimeoutSeconds) : 5))
  }

  /// Takes a client off the list and logs it: once, whatever happens to its connection later.
  ///
  /// Its sleeping requests are dropped.
  mutating func leave(
    _ place: Int, _ reason: DisconnectReason, _ ending: Departure.Ending,
    violation: Violation? = nil, error: String? = nil, at now: UInt64
  ) {
    guard let owner = clients.owner(place) else { return }
    let ending = abandonOpening(of: place) && ending != .done ? .atOnce : ending
    let asleep = sleeping.leave(owner)
    memory.leave(place)
    if ending != .done { lingeringCount += 1 }
    let left = UInt32(clamping: clients.count - 1)
    let departure = clients.read(place) { client in
      Departure(
        place: place, number: client.number, peer: client.peer, proxy: client.proxy,
        milliseconds: now > client.connectedAt ? (now - client.connectedAt) / 1_000_000 : 0,
        requests: client.requests, error: error, violation: violation, ending: ending,
        reason: reason, clients: left,
        dropped: UInt32(clamping: asleep + Int(client.dropped)))
    }
    clients.remove(place)
    metrics.countDisconnect(reason)
    sharedCount?.publish(clients.count)
    if let departure { actions.append(.leave(departure)) }
  }

  /// A client's connection is closed, and that is how it leaves.
  package mutating func closed(
    _ place: Int, _ end: ConnectionEnd, unsent: Int, at now: UInt64
  ) {
    if closedWhileOpening(place, end, at: now) { return }
    switch end {
    case .reset: leave(place, .reset, .done, at: now)
    case .ended: closedAfterEnd(place, at: now)
    case .timedOut(let failure):
      // The kernel's patience with a peer that takes nothing, which ends soon after ours.
      leave(place, unsent > 0 ? .stuck : .error, .done, error: failure.description, at: now)
    case .truncated(let failure):
      leave(place, .truncated, .done, error: failure.description, at: now)
    case .failed(let failure): leave(place, .error, .done, error: failure?.description, at: now)
    }
    endIfDrained()
  }

  /// What the end of the stream means counts, whether it was seen before the reset or not; only a
  /// client that would have stayed beyond its end leaves by the reset.
  private mutating func closedAfterEnd(_ place: Int, at now: UInt64) {
    guard let owner = clients.owner(place) else { return }
    let stays = configuration.halfClose && sleeping.sleeping(of: owner) > 0
    let violation = clients.update(place) { client in
      client.reader.hasWaiting ? nil : client.reader.finish()
    }
    if let violation = violation ?? nil {
      leave(place, .violation, .done, violation: .frame(violation), at: now)
    } else {
      leave(place, stays ? .reset : .eof, .done, at: now)
    }
  }

  /// The connection of a client that had left before is closed.
  package mutating func lingeringClosed() {
    lingeringCount -= 1
    endIfDrained()
  }

  /// An answer could not be written.
  ///
  /// - Parameters:
  ///   - place: The client's place.
  ///   - isFull: Whether the connection holds all that it may.
  ///   - error: What else it was.
  ///   - now: The time.
  package mutating func writeFailed(_ place: Int, isFull: Bool, error: String, at now: UInt64) {
    leave(place, isFull ? .buffer : .error, .atOnce, error: isFull ? nil : error, at: now)
  }
}
