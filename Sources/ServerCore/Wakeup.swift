/// What the core has itself woken for.
package enum Wakeup: Int, CaseIterable, Sendable {
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
  /// Clients that had their part of a turn are read again.
  case restingClients
  /// Whoever is left is cut off.
  case abandonment

  /// Whether what is due is answered first, by ``ServerCore/nextAnswer(at:)``.
  package var answersFirst: Bool { self == .dueAnswers || self == .endOfDrain }

  /// Whether it must be on time to less than a millisecond.
  package var isPrecise: Bool { self == .dueAnswers }
}
