/// What the core has itself woken for.
package enum Wakeup: Int, CaseIterable, Sendable {
  // By timers.
  /// Sleeping requests are due.
  case dueAnswers
  /// It is time to look at all clients.
  case sweep
  /// The log may be told of rejections again.
  case rejections
  /// Those that take the server's place have had the time to take new clients.
  case endOfHandOver
  /// The time for the drain is over.
  case endOfDrain

  // On the next turn of the loop.
  /// Clients that had their part of a turn are read again.
  case restingClients
  /// Whoever is left is cut off.
  case abandonment

  /// Whether what is due is answered first, by ``ServerCore/nextAnswer(at:)``.
  package var answersFirst: Bool { self == .dueAnswers || self == .endOfDrain }

  /// Whether a millisecond counts.
  package var isPrecise: Bool { self == .dueAnswers }
}

extension ServerCore {
  /// The time has come, or the turn, that an action has asked for.
  ///
  /// - Parameters:
  ///   - wakeup: What it was asked for.
  ///   - now: The time.
  ///   - look: What there is to see of the connection at a place.
  package mutating func woke(
    _ wakeup: Wakeup, at now: UInt64, look: (_ place: Int) -> Traffic
  ) {
    switch wakeup {
    case .dueAnswers: break
    case .sweep: sweep(at: now, look)
    case .rejections: reportRejections(at: now)
    case .endOfHandOver: endHandOver(at: now, look)
    // What was answered leaves before anything is closed.
    case .endOfDrain: actions.append(.wakeNextTurn(.abandonment))
    case .restingClients: readOnFromResting()
    case .abandonment: abandonDrain(at: now)
    }
  }
}
