/// Which job has the terminal, and what to do when that changes: events in, actions out.
///
/// A terminal belongs to one job at a time. Setting the terminal of another job stops the process
/// (SIGTTOU), and a stopped process handles no signal. So the terminal is set only while it is ours, and
/// restored before the job is stopped.
package struct JobControl: Hashable {
  /// What happened; the caller also says whether the terminal is ours at that moment.
  package enum Event: Hashable, CaseIterable {
    /// The program has begun to read the terminal.
    case opened
    /// The owner of the terminal was checked.
    case looked
    /// The process was stopped and continues.
    case continued
    /// The user has pressed Ctrl-Z, which stops the whole job.
    case suspendKey
    /// A signal asks this process to stop.
    case suspendSignal
    /// The program ends.
    case closed
  }

  /// What to do, in this order.
  package enum Action: Hashable {
    /// Set the terminal for editing, and draw.
    case take
    /// Restore the terminal, and erase the row.
    case give
    /// The terminal has become another job's: leave it alone.
    case leave
    /// Check again soon whether it is ours: there may be no other event.
    case lookLater
    /// Stop by the signal's default action; `continued` follows.
    case stop(isWholeJob: Bool)
  }

  /// Whether the terminal is set for editing.
  package private(set) var hasTerminal = false
  private var isOpen = false

  /// Job control before the terminal is opened.
  package init() {}

  /// What to do about an event.
  package mutating func handle(_ event: Event, isOurs: Bool) -> [Action] {
    switch event {
    case .opened:
      isOpen = true
      return look(isOurs)
    case _ where !isOpen: return []
    case .looked: return look(isOurs)
    case .continued:
      // The shell may have set the terminal meanwhile.
      if isOurs { hasTerminal = false }
      return look(isOurs)
    case .suspendKey: return giveBack(isOurs) + [.stop(isWholeJob: true)]
    case .suspendSignal: return giveBack(isOurs) + [.stop(isWholeJob: false)]
    case .closed:
      isOpen = false
      return giveBack(isOurs)
    }
  }

  private mutating func look(_ isOurs: Bool) -> [Action] {
    switch (hasTerminal, isOurs) {
    case (true, true): return []
    case (false, true):
      hasTerminal = true
      return [.take]
    case (true, false):
      hasTerminal = false
      return [.leave, .lookLater]
    case (false, false): return [.lookLater]
    }
  }

  private mutating func giveBack(_ isOurs: Bool) -> [Action] {
    guard hasTerminal else { return [] }
    hasTerminal = false
    return isOurs ? [.give] : [.leave]
  }
}
