/// Why a client is not read from at present, if there is a reason.
struct Backpressure: OptionSet, Hashable {
  let rawValue: UInt8

  /// It has to take answers first.
  ///
  /// There is something to send then, so that a reset is noticed.
  static let filled = Self(rawValue: 1)
  /// It has had its part of this turn of the loop.
  static let resting = Self(rawValue: 2)
  /// Not a reason to pause: it has the limits for times when all clients together hold much.
  static let tight = Self(rawValue: 4)

  var mayRead: Bool { isDisjoint(with: [.filled, .resting]) }

  /// Bytes in one read from which a client has had its part of a turn.
  ///
  /// libuv goes on reading from one connection as long as its reads are full, 32 times in a turn.
  static let readPerTurn = 65_536

  /// Bytes of half a frame that a client may keep while all clients hold more than they may: real
  /// requests have eight.
  static let partialFrameInNeed = 1_024
}
