/// How a server ends: what signals, clients that leave and the time mean for that.
///
/// Events come in, orders come out; the server knows who is connected and what sleeps, and asks
/// here what to do about it. Times are nanoseconds on the loop's clock.
struct Drain: Hashable {
  /// What a signal to end asks for.
  enum Order: Equatable {
    /// Listen no more, drop what sleeps beyond ``Drain/deadline``, and take a step for each client.
    case begin
    /// Leave new clients to other processes, and go on until the given time as before; then begin.
    case handOver(until: UInt64)
    /// Close everything and exit: somebody has asked twice.
    case exitNow
    /// Nothing: a parent that forwards signals sends the same one twice, within milliseconds.
    case wait
  }

  private enum Phase: Hashable { case serving, handingOver, draining, over }

  private var phase = Phase.serving
  /// The signal that began it.
  private(set) var signal: Int32?
  /// Until when it may last; 0 while the server serves.
  private(set) var deadline: UInt64 = 0

  /// From when on after the first signal another one is a second: half a second, in nanoseconds.
  static let repeatInterval: UInt64 = 500_000_000

  private var beganAt: UInt64 = 0

  /// How long a server goes on whose place others take: nanoseconds.
  ///
  /// A client that it has just been given needs a round trip of the network to be accepted and another one
  /// for its first request. It must be less than the second after which a client repeats a request for a
  /// connection that was dropped.
  static let handOverTime: UInt64 = 250_000_000

  /// Whether an end was asked for, which may begin with a hand-over.
  var isAskedFor: Bool { phase != .serving }

  var hasBegun: Bool { phase == .draining || phase == .over }

  /// The first signal begins the drain, after a hand-over where others take the server's place; a second
  /// one, ``repeatInterval`` or more after it, ends it now.
  mutating func signalled(
    _ signal: Int32, at now: UInt64, patience: UInt64, handsOver: Bool = false
  ) -> Order {
    guard phase == .serving else {
      return now >= beganAt && now - beganAt >= Self.repeatInterval ? .exitNow : .wait
    }
    beganAt = now
    self.signal = signal
    deadline = now &+ min(patience, .max - now)
    guard handsOver, patience > 0 else {
      phase = .draining
      return .begin
    }
    phase = .handingOver
    return .handOver(until: min(now &+ Self.handOverTime, deadline))
  }

  /// Whether the drain is to begin now, after a hand-over; true once.
  mutating func endsHandOver() -> Bool {
    guard phase == .handingOver else { return false }
    phase = .draining
    return true
  }

  /// Why a client leaves whose last sleeping request was answered; nil for one that stays.
  func departure(whenAllAnswered hasEnded: Bool) -> DisconnectReason? {
    if hasBegun { return .shutdown }
    return hasEnded ? .eof : nil
  }

  /// Whether the server is to stop now because nobody is left; true once.
  ///
  /// What lingers are connections of clients that have left, with answers still on their way.
  mutating func ends(clients: Int, lingering: Int) -> Bool {
    guard phase == .draining, clients == 0, lingering == 0 else { return false }
    phase = .over
    return true
  }

  /// Whether whoever is left is to be closed now, for it has had its time; true once.
  mutating func isAbandoned() -> Bool {
    guard phase == .draining else { return false }
    phase = .over
    return true
  }
}
