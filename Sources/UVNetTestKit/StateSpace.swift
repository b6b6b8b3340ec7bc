/// Everything that a value type can be brought to, by every order of events, breadth first.
///
/// A model checker in small: it visits each state once, tries every event there, and stops at the
/// first step that breaks what must hold, with the shortest way to it.
public struct StateSpace: Hashable, Sendable, CustomStringConvertible {
  /// States that differ.
  public private(set) var states = 1
  /// Events tried, over all states.
  public private(set) var transitions = 0
  /// Events of the longest of the shortest ways to a state.
  public private(set) var depth = 0

  /// A step that broke what must hold, with the events that lead there.
  public struct Violation: Error, CustomStringConvertible {
    /// What was broken.
    public let error: any Error
    /// The events from the first state on; the last one broke it.
    public let events: [String]

    /// The failure in words.
    public var description: String { "\(error), after \(events.joined(separator: ", "))" }
  }

  /// There are more states than the caller allowed: the key tells too many apart.
  public struct TooMany: Error {
    /// How many were allowed.
    public let limit: Int
  }

  /// Visits every state that events lead to.
  ///
  /// - Parameters:
  ///   - start: The first state.
  ///   - limit: More states than this are a mistake.
  ///   - events: What may happen in a state.
  ///   - key: What tells states apart. Two states of one key must go on alike.
  ///   - step: Lets an event happen; throws if that breaks what must hold.
  /// - Returns: How much there was.
  /// - Throws: ``Violation``, or ``TooMany``.
  public static func explore<State, Event, Key: Hashable>(
    from start: State, limit: Int = 1_000_000, events: (State) -> [Event], key: (State) -> Key,
    step: (inout State, Event) throws -> Void
  ) throws -> StateSpace {
    var space = StateSpace()
    var known: Set<Key> = [key(start)]
    // Each visited state with the event that led to it and the place of the one before.
    var visited: [(state: State, event: Event?, before: Int, depth: Int)] = [(start, nil, -1, 0)]
    var next = 0
    while next < visited.count {
      let here = visited[next]
      for event in events(here.state) {
        space.transitions += 1
        var state = here.state
        do {
          try step(&state, event)
        } catch {
          var way = ["\(event)"]
          var place = next
          while place >= 0 {
            if let event = visited[place].event { way.append("\(event)") }
            place = visited[place].before
          }
          throw Violation(error: error, events: way.reversed())
        }
        guard known.insert(key(state)).inserted else { continue }
        space.states += 1
        space.depth = max(space.depth, here.depth + 1)
        guard space.states <= limit else { throw TooMany(limit: limit) }
        visited.append((state, event, next, here.depth + 1))
      }
      next += 1
    }
    return space
  }

  /// The size in words.
  public var description: String {
    "\(states) states, \(transitions) transitions, depth \(depth)"
  }
}
