/// Actions in the order in which they are to be performed.
///
/// Two lists: what comes is appended to one, and what goes is taken off the end of the other, in
/// reverse order. So an action is moved and never copied, and the memory of both is used again.
package struct ActionQueue {
  private var incoming: [ServerAction] = []
  /// The next one stands at the end.
  private var outgoing: [ServerAction] = []
  /// Stored, since the shell asks after each read.
  package private(set) var isEmpty = true

  /// Lists longer than this are given back once they are performed.
  private static let mostKept = 1_024

  /// Actions that there is memory for.
  var capacity: Int { incoming.capacity + outgoing.capacity }

  package mutating func append(_ action: ServerAction) {
    incoming.append(action)
    isEmpty = false
  }

  /// Takes the next action to perform; there must be one.
  package mutating func removeFirst() -> ServerAction {
    if outgoing.isEmpty { turnRound() }
    let action = outgoing.removeLast()
    isEmpty = outgoing.isEmpty && incoming.isEmpty
    return action
  }

  private mutating func turnRound() {
    if outgoing.capacity > Self.mostKept { outgoing = [] }
    swap(&incoming, &outgoing)
    if outgoing.count > 1 { outgoing.reverse() }
  }
}
