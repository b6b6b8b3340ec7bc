/// A request on its way: sent, and not yet answered or lost.
struct Request: Hashable {
  /// Counted from 1 for the life of the program, over all connections.
  var id: UInt64
  var kind: RequestKind
  var sentAt: Moment
  /// The periodic ticks that found this request unanswered.
  var skippedTicks = 0

  /// How messages name it: `#7 (slow 1)`.
  var name: String { "#\(id) (\(kind.command))" }
}
