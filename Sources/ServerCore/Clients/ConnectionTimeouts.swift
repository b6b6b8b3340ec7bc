/// How long a connection may be idle, inside a frame, or unable to take answers; nanoseconds.
struct ConnectionTimeouts: Equatable {
  let partialFrame: UInt64
  /// 0 = none.
  let idle: UInt64
  let stuck: UInt64
  /// How often connections are looked at: often enough to be late by a tenth of the shortest
  /// patience at most, and seldom enough to cost nothing with ten thousand of them.
  let sweepInterval: UInt64

  init(_ configuration: Configuration) {
    let second: UInt64 = 1_000_000_000
    partialFrame = UInt64(configuration.partialFrameTimeoutSeconds) * second
    idle = UInt64(configuration.idleTimeoutSeconds) * second
    stuck = UInt64(configuration.stuckPeerTimeoutSeconds) * second
    let shortest = min(partialFrame, idle > 0 ? idle : .max, stuck)
    sweepInterval = min(max(shortest / 20, second / 10), second / 2)
  }

  /// Which patience is at its end, if one is.
  func expired(_ activity: ConnectionActivity, at now: UInt64) -> DisconnectReason? {
    func isOver(_ patience: UInt64, since start: UInt64) -> Bool {
      now >= start && now - start >= patience
    }
    if let lastProgress = activity.lastProgress {
      // Reading may be paused for it: neither silence nor half a frame is the peer's choice now.
      return isOver(stuck, since: lastProgress) ? .stuck : nil
    }
    if let frameBegan = activity.frameBegan {
      return isOver(partialFrame, since: frameBegan) ? .partialFrame : nil
    }
    let isIdle = idle > 0 && !activity.hasSleepingRequests
    return isIdle && isOver(idle, since: activity.lastBytes) ? .idle : nil
  }
}
