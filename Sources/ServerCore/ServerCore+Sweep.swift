extension ServerCore {
  /// Looks at every client, so that no client costs a timer or a look at the clock.
  ///
  /// A look that comes late, because the process stood still, only observes: what has come
  /// meanwhile lies unread, and time is called by the next look.
  mutating func sweep(at now: UInt64, _ look: (_ place: Int) -> Traffic) {
    let standstill = sweepDueAt.map { now > $0 ? now - $0 : 0 } ?? 0
    sweepDueAt = nil
    let isLate = standstill > timeouts.sweepInterval && !lastSweepWasLate
    lastSweepWasLate = isLate
    for place in clients.taken {
      let seen = look(place)
      observe(place, seen, excusing: isLate ? standstill : 0, at: now)
      note(place, unsent: seen.unsent)
      setTightness(of: place)
      if !isLate { judge(place, at: now) }
    }
    if clients.count > 0 { scheduleSweep(at: now) }
  }

  private mutating func observe(
    _ place: Int, _ traffic: Traffic, excusing standstill: UInt64, at now: UInt64
  ) {
    guard let owner = clients.owner(place) else { return }
    let sleepingRequests = sleeping.sleeping(of: owner)
    clients.update(place) { client in
      if standstill > 0 { client.activity.excuse(standstill, at: now) }
      client.activity.observe(
        ConnectionActivity.Observation(
          bytesRead: traffic.bytesRead, bytesWritten: traffic.bytesWritten, unsent: traffic.unsent,
          frameOffset: client.reader.partialFrameOffset, sleepingRequests: sleepingRequests),
        at: now)
    }
  }

  private mutating func judge(_ place: Int, at now: UInt64) {
    let state = clients.read(place) { ($0.activity, $0.reader.partialFrameBytes) }
    guard let (activity, partialFrameBytes) = state else { return }
    if !drain.hasBegun, let reason = timeouts.expired(activity, at: now) {
      leave(place, reason, .atOnce, at: now)
    } else if memory.total > configuration.totalWriteBufferBytes,
      activity.takesNothing(at: now) || partialFrameBytes > Backpressure.partialFrameInNeed
    {
      leave(place, .buffer, .atOnce, at: now)
    }
  }

  mutating func scheduleSweep(at now: UInt64) {
    guard sweepDueAt == nil else { return }
    let time = now &+ timeouts.sweepInterval
    sweepDueAt = time
    actions.append(.wake(.sweep, at: time))
  }
}
