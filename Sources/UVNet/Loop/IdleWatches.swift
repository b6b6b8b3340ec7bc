/// The wish that a connection be closed when nothing comes or goes; the connection's own.
final class IdleWatch {
  /// Not retained: the connection gives its watch up when it begins to close.
  unowned let connection: StreamConnection
  /// Nanoseconds.
  let timeout: UInt64
  private let traffic: StreamConnection.IdleTraffic
  private var clock: IdleClock
  /// Its place among those of its group.
  var place = 0

  init(
    _ connection: StreamConnection, timeout: Duration, _ traffic: StreamConnection.IdleTraffic,
    at now: UInt64
  ) {
    self.connection = connection
    self.timeout = EventLoop.Instant(nanoseconds: 0).advanced(by: timeout).nanoseconds
    self.traffic = traffic
    clock = IdleClock(connection.count(of: traffic), at: now)
  }

  /// Whether the connection is idle; never after a stand-still, which is not counted.
  func look(at now: UInt64, after standstill: UInt64) -> Bool {
    if standstill > 0 { clock.excuse(standstill, at: now) }
    clock.observe(connection.count(of: traffic), at: now)
    return standstill == 0 && clock.isIdle(for: timeout, at: now)
  }
}

/// The connections of a loop that have an idle timeout, those of one timeout together.
struct IdleWatches {
  private struct Group {
    let timeout: UInt64
    var schedule: IdleSchedule
    var watches: [IdleWatch] = []
  }

  /// Few: a program has one or two timeouts.
  private var groups: [Group] = []

  /// When somebody has to be looked at next.
  var due: UInt64? { groups.lazy.map(\.schedule.due).min() }

  mutating func insert(_ watch: IdleWatch, at now: UInt64) {
    var index = groups.firstIndex { $0.timeout == watch.timeout }
    if index == nil {
      index = groups.count
      let schedule = IdleSchedule(timeout: watch.timeout, at: now)
      groups.append(Group(timeout: watch.timeout, schedule: schedule))
    }
    guard let index else { return }
    watch.place = groups[index].watches.count
    groups[index].watches.append(watch)
  }

  mutating func remove(_ watch: IdleWatch) {
    guard let index = groups.firstIndex(where: { $0.timeout == watch.timeout }),
      let last = groups[index].watches.popLast()
    else { return }
    if last !== watch {
      groups[index].watches[watch.place] = last
      last.place = watch.place
    }
    if groups[index].watches.isEmpty { groups.remove(at: index) }
  }

  /// Looks at all that are due; returns those that are idle.
  mutating func look(at now: UInt64) -> [IdleWatch] {
    var idle: [IdleWatch] = []
    for index in groups.indices where groups[index].schedule.due <= now {
      let standstill = groups[index].schedule.beginLook(at: now)
      for watch in groups[index].watches where watch.look(at: now, after: standstill) {
        idle.append(watch)
      }
    }
    return idle
  }
}

extension EventLoop {
  func watch(_ watch: IdleWatch) {
    let before = idleWatches.due
    idleWatches.insert(watch, at: now.nanoseconds)
    scheduleLookForIdleConnections(unlessAt: before)
  }

  func stopWatching(_ watch: IdleWatch) {
    let before = idleWatches.due
    idleWatches.remove(watch)
    scheduleLookForIdleConnections(unlessAt: before)
  }

  private func scheduleLookForIdleConnections(unlessAt before: UInt64?) {
    let due = idleWatches.due
    if due != before { inner.lookForIdleConnections(at: due) }
  }

  func lookForIdleConnections() {
    for watch in idleWatches.look(at: now.nanoseconds) { watch.connection.close(.idle) }
    inner.lookForIdleConnections(at: idleWatches.due)
  }
}
