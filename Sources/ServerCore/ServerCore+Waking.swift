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
