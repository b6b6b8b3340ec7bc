import TestTaskProto
import UVNet

extension Server {
  /// Answers that leave in one turn of the loop; then I/O has its turn.
  ///
  /// So many take some 15 ms. Smaller parts would spare others little of that and make all later:
  /// each part is one more write for each connection.
  private static let answersPerTurn = 131_072

  /// Nanoseconds between two turns that answer: what comes due within them leaves together, and the
  /// sooner of it is late by that.
  private static let restBetweenTurns: UInt64 = 200_000

  /// Puts a request to sleep; false when that would be over a limit.
  func letSleep(_ session: Session, until deadline: UInt64, clients: UInt32) -> Bool {
    guard sleeping.count < configuration.maxSleepingRequests,
      sleeping.sleeping(of: session.owner) < configuration.maxSleepingRequestsPerConnection
    else { return false }
    sleeping.add(session.owner, until: deadline, clients: clients)
    scheduleWaking(by: deadline)
    return true
  }

  /// Answers everything whose sleep is over; answers of one connection leave in one write.
  func answerDue() {
    wakingAt = nil
    let now = loop.now.nanoseconds
    var answer: [UInt8] = []
    for _ in 0..<Self.answersPerTurn {
      guard let due = sleeping.popDue(at: now) else { break }
      guard let session = sessions[due.owner.index] else { continue }
      answer.removeAll(keepingCapacity: true)
      Message.slowResponse(connectedClientCount: due.clients).appendFrame(to: &answer)
      guard send(answer.span.bytes, to: session) else { continue }
      if sleeping.sleeping(of: session.owner) == 0 { lastSleepIsOver(of: session) }
    }
    guard let next = sleeping.nextDeadline() else { return }
    if next <= now {
      // A timer would wait a millisecond.
      wakingAt = next
      loop.nextTick { [unowned self] in answerDue() }
    } else {
      scheduleWaking(by: max(next, now + Self.restBetweenTurns))
    }
  }

  private func lastSleepIsOver(of session: Session) {
    guard let reason = drain.departure(whenAllAnswered: session.hasEnded) else { return }
    leave(session, reason, .gracefully)
  }

  private func scheduleWaking(by deadline: UInt64) {
    if let wakingAt, wakingAt <= deadline { return }
    wakingAt = deadline
    sleepTimer?.schedule(at: EventLoop.Instant(nanoseconds: deadline))
  }
}
