/// All states that a value type can reach, by every order of events, breadth first.
///
/// It is a small model checker. It visits each state once, tries every event there, and stops at the
/// first step that breaks an invariant, with the shortest sequence of events that leads to it.
public struct StateSpace: Hashable, Sendable, CustomStringConvertible {
  /// States that differ.
  public private(set) var states = 1
  /// Events tried, over all states.
  public private(set) var transitions = 0
  /// The most events that the shortest way to any state needs.
  public private(set) var depth = 0

  /// A step that broke an invariant, with the events that lead to it.
  public struct Violation: Error, CustomStringConvertible {
    /// What was broken.
    public let error: any Error
    /// The events from the first state on; the last one broke it.
    public let events: [String]

    /// The failure in words.
    public var description: String { "\(error), after \(events.joined(separator: ", "))" }
  }

  /// There are more states than the caller allowed, probably because the key distinguishes too many.
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
  ///   - key: Identifies a state. Two states with the same key must behave in the same way.
  ///   - step: Performs an event; throws if that breaks an invariant.
  /// - Returns: The number of states and events.
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
