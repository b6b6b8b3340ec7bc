/// Something that is done over and over, for the two programs that measure it.
public struct Operation: Sendable {
  /// What it is called in tables: a group, then what differs, such as `decode/fast`.
  public let name: String

  /// Makes what the operation works with, and gives what repeats it.
  ///
  /// That takes the number of times, and returns a sum of what came out, so that the compiler cannot
  /// leave the work away.
  public let prepare: @Sendable () -> (_ count: Int) -> Int

  /// Every operation, in the order of tables.
  public static let all: [Operation] =
    decoding + encoding + timestamps + timers + sleepQueue + settings
}

extension Operation {
  /// Makes an operation on a state, which `body` has to itself while it repeats.
  ///
  /// Captured by a closure, a state would cost a dynamic check of exclusivity at each use.
  static func repeating<State: ~Copyable>(
    _ name: String, on make: @escaping @Sendable () -> State,
    _ body: @escaping @Sendable (_ state: inout State, _ count: Int) -> Int
  ) -> Operation {
    Operation(name: name) {
      var state = make()
      return { count in body(&state, count) }
    }
  }
}
