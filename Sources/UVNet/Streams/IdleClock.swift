/// Since when a connection has been idle, found by periodic checks.
///
/// Reads and writes record no time, because each would have to read the clock. Times are
/// nanoseconds on the loop's clock.
struct IdleClock: Equatable {
  /// What the last check saw: any number that changes when bytes move.
  private var traffic: UInt64
  /// When a check last saw that bytes had moved.
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

  /// Leaves out the time during which the loop stood still.
  mutating func excuse(_ standstill: UInt64, at now: UInt64) {
    lastBytes = min(now, lastBytes + standstill)
  }

  func isIdle(for timeout: UInt64, at now: UInt64) -> Bool {
    now >= lastBytes && now - lastBytes >= timeout
  }
}

/// When the connections with the same timeout are checked.
struct IdleSchedule: Equatable {
  /// Nanoseconds between checks: rare enough to cost little with many connections, and frequent
  /// enough to be late by an eighth of the timeout at most, or by 20 ms.
  let interval: UInt64
  /// When the next check is due.
  private(set) var due: UInt64
  private var wasLate = false

  init(timeout: UInt64, at now: UInt64) {
    interval = min(max(timeout / 16, 10_000_000), 5_000_000_000)
    due = now + interval
  }

  /// Begins a check, and schedules the next one.
  ///
  /// A check that is late, because the loop stood still, must close nothing: bytes that came
  /// meanwhile are still unread. The next check may.
  ///
  /// - Returns: How long the loop stood still; 0 when idle connections may be closed.
  mutating func beginLook(at now: UInt64) -> UInt64 {
    let standstill = now > due ? now - due : 0
    wasLate = standstill > interval && !wasLate
    due = now + interval
    return wasLate ? standstill : 0
  }
}
