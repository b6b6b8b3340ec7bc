internal import TestTaskDaemonSupport
internal import TestTaskProgramBasics

extension ServerCore {
  /// Answers that leave in one turn of the loop; then I/O has its turn.
  ///
  /// So many take some 15 ms. Smaller parts would spare others little of that and make all later:
  /// each part is one more write for each connection.
  private static let answersPerTurn = 131_072

  /// Nanoseconds between two turns that answer: what comes due within them leaves together, and the
  /// sooner of it is late by that.
  private static let pauseBetweenTurns: UInt64 = 200_000

  /// Puts a request to sleep.
  ///
  /// - Parameters:
  ///   - place: The client's place.
  ///   - seconds: How long it sleeps.
  ///   - now: When it came.
  ///   - others: Clients of other processes; `nil` until they were counted. The requests of one read count as
  ///     received at the same moment, so this is counted once for all of them.
  /// - Returns: False when it would be over a limit.
  mutating func sleep(
    _ place: Int, for seconds: UInt32, from now: UInt64, others: inout Int?
  ) -> Bool {
    guard let owner = clients.owner(place), sleeping.count < configuration.maxSleepingRequests,
      sleeping.sleeping(of: owner) < configuration.maxSleepingRequestsPerConnection
    else { return false }
    let deadline = Self.deadline(after: seconds, from: now)
    let elsewhere = others ?? sharedCount?.others() ?? 0
    others = elsewhere
    sleeping.add(owner, until: deadline, clients: UInt32(clamping: clients.count + elsewhere))
    countRequests(1, of: place)
    metrics.countSlowRequest()
    if logsRequests, let number = clients.read(place, { $0.number }) {
      actions.append(.log(.debug, .request(conn: number, sleepSeconds: seconds)))
    }
    wake(by: deadline)
    return true
  }

  /// When a sleep that begins now is over; it cannot overflow.
  static func deadline(after seconds: UInt32, from now: UInt64) -> UInt64 {
    let (sum, overflow) = now.addingReportingOverflow(UInt64(seconds) * 1_000_000_000)
    return overflow ? .max : sum
  }

  /// The next answer that is due; nil when none is, or enough of this turn were.
  ///
  /// The shell asks when a ``Wakeup`` that ``Wakeup/answersFirst`` has come, until there is none, and
  /// says ``answered(_:at:)`` after it has written each.
  package mutating func nextAnswer(at now: UInt64) -> DueAnswer? {
    while answersThisTurn < Self.answersPerTurn, let due = sleeping.popDue(at: now) {
      answersThisTurn += 1
      let place = due.owner.index
      guard clients.contains(place) else { continue }
      metrics.countAnswer(lateBy: now &- due.deadline)
      if logsRequests, let number = clients.read(place, { $0.number }) {
        actions.append(.log(.debug, .answer(conn: number, connectedClients: due.clients)))
      }
      return DueAnswer(place: place, connectedClients: due.clients)
    }
    answersThisTurn = 0
    wakingAt = nil
    guard let next = sleeping.nextDeadline() else { return nil }
    if next <= now {
      // A timer would wait a millisecond.
      wakingAt = next
      actions.append(.wakeNextTurn(.dueAnswers))
    } else {
      wake(by: max(next, now &+ Self.pauseBetweenTurns))
    }
    return nil
  }

  /// An answer was written; if it was the last that a client waited for, that may be its end.
  package mutating func answered(_ place: Int, at now: UInt64) {
    guard let owner = clients.owner(place), sleeping.sleeping(of: owner) == 0,
      let (hasEnded, isFilled) = clients.read(
        place, { ($0.hasEnded, $0.backpressure.contains(.filled)) }),
      let reason = drain.departure(whenAllAnswered: hasEnded)
    else { return }
    leave(place, reason, gracefully(isFilled: isFilled), at: now)
  }

  private mutating func wake(by deadline: UInt64) {
    if let wakingAt, wakingAt <= deadline { return }
    wakingAt = deadline
    actions.append(.wake(.dueAnswers, at: deadline))
  }
}
