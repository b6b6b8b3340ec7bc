/// Since when a connection has been idle, found out by looking now and then.
///
/// Nothing is noted while bytes come and go: that would cost each read a look at the clock. Times are
/// nanoseconds on the loop's clock.
struct IdleClock: Equatable {
  /// What was seen last: any number that changes when bytes move.
  private var traffic: UInt64
  /// When bytes were last seen to have moved.
  private(set) var lastBytes: UInt64

  init(_ traffic: UInt64, at now: UInt64) {
    self.traffic = traffic
    lastBytes = now
  }

  mutating func observe(_ traffic: UInt64, at now: UInt64) {
    guard traffic != self.traffic else { return }
    self.traffic = traffic
    lastBytes = now
  }

  /// Leaves time out of account in which the loop stood still.
  mutating func excuse(_ standstill: UInt64, at now: UInt64) {
    lastBytes = min(now, lastBytes + standstill)
  }

  func isIdle(for timeout: UInt64, at now: UInt64) -> Bool {
    now >= lastBytes && now - lastBytes >= timeout
  }
}

/// When connections of one timeout are looked at.
struct IdleSchedule: Equatable {
  /// Nanoseconds between looks: seldom enough to cost nothing with many connections, and often enough
  /// to be late by an eighth of the timeout at most, or by 20 ms.
  let interval: UInt64
  /// When the next look is due.
  private(set) var due: UInt64
  private var wasLate = false

  init(timeout: UInt64, at now: UInt64) {
    interval = min(max(timeout / 16, 10_000_000), 5_000_000_000)
    due = now + interval
  }

  /// A look begins, and the next one is scheduled.
  ///
  /// A look that comes late, because the loop stood still, only observes: what has come meanwhile lies
  /// unread, and time is called by the next look.
  ///
  /// - Returns: How long the loop stood still; 0 where time may be called.
  mutating func beginLook(at now: UInt64) -> UInt64 {
    let standstill = now > due ? now - due : 0
    wasLate = standstill > interval && !wasLate
    due = now + interval
    return wasLate ? standstill : 0
  }
}
