/// How long a connection may be idle, inside a frame, or unable to take answers; nanoseconds.
struct ConnectionTimeouts: Equatable {
  /// What a connection was last seen doing; times in nanoseconds on the loop's clock.
  struct Activity: Equatable {
    /// The last byte came in, or the last answer went out.
    var lastActivity: UInt64
    /// The first byte of the frame that is incomplete, if one is.
    var frameBegan: UInt64?
    /// The peer last took something of the answers that it has not taken, if there are any.
    var lastProgress: UInt64?
    var hasSleepingRequests: Bool
  }

  var partialFrame: UInt64
  /// 0 = none.
  var idle: UInt64
  var stuck: UInt64

  init(_ configuration: Configuration) {
    partialFrame = UInt64(configuration.partialFrameTimeoutSeconds) * 1_000_000_000
    idle = UInt64(configuration.idleTimeoutSeconds) * 1_000_000_000
    stuck = UInt64(configuration.stuckPeerTimeoutSeconds) * 1_000_000_000
  }

  /// Which patience is at its end, if one is.
  func expired(_ activity: Activity, at now: UInt64) -> DisconnectReason? {
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
    return isIdle && isOver(idle, since: activity.lastActivity) ? .idle : nil
  }
}
