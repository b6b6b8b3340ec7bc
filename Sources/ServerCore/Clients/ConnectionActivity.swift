/// What a connection was doing when it was last looked at, found out by looking now and then.
///
/// Nothing has to be noted while a request is served: that would cost each one a look at the
/// clock. Times are nanoseconds on the loop's clock.
struct ConnectionActivity: Equatable {
  /// What there is to see of a connection at one moment.
  struct Observation: Equatable {
    var bytesRead: UInt64 = 0
    var bytesWritten: UInt64 = 0
    /// Bytes that the kernel has not taken.
    var unsent = 0
    /// The stream offset of the frame that is incomplete, if one is.
    var frameOffset: UInt64?
    var sleepingRequests = 0
  }

  // Ten thousand connections have one each: what was seen is kept in as few bytes as tell whether
  // it changed, and "never" is a number.
  private static let never = UInt64.max
  private var bytesRead: UInt64 = 0
  private var bytesWritten: UInt64 = 0
  private var frameOffset = never
  /// When bytes were last seen to have moved.
  private(set) var lastBytes: UInt64
  private var frameBeganAt = never
  private var lastProgressAt = never
  private var sleepingRequests: UInt32 = 0

  /// The incomplete frame was first seen.
  var frameBegan: UInt64? { frameBeganAt == Self.never ? nil : frameBeganAt }

  /// The peer was last seen to have taken some of what it has not all taken.
  var lastProgress: UInt64? { lastProgressAt == Self.never ? nil : lastProgressAt }

  var hasSleepingRequests: Bool { sleepingRequests > 0 }

  /// Whether there is something to take and none of it was, between the last two looks.
  func takesNothing(at now: UInt64) -> Bool { lastProgress.map { $0 < now } ?? false }

  init(at now: UInt64) { lastBytes = now }

  /// Leaves time out of account in which the process stood still.
  mutating func excuse(_ standstill: UInt64, at now: UInt64) {
    func later(_ time: UInt64) -> UInt64 { time > now ? time : min(now, time + standstill) }
    lastBytes = later(lastBytes)
    if frameBeganAt != Self.never { frameBeganAt = later(frameBeganAt) }
    if lastProgressAt != Self.never { lastProgressAt = later(lastProgressAt) }
  }

  mutating func observe(_ next: Observation, at now: UInt64) {
    let frameOffset = next.frameOffset ?? Self.never
    let sleepingRequests = UInt32(clamping: next.sleepingRequests)
    if next.bytesRead != bytesRead || next.bytesWritten != bytesWritten
      || sleepingRequests != self.sleepingRequests
    {
      lastBytes = now
    }
    if frameOffset == Self.never {
      frameBeganAt = Self.never
    } else if frameOffset != self.frameOffset {
      frameBeganAt = now
    }
    if next.unsent == 0 {
      lastProgressAt = Self.never
    } else if next.bytesWritten != bytesWritten || lastProgressAt == Self.never {
      lastProgressAt = now
    }
    bytesRead = next.bytesRead
    bytesWritten = next.bytesWritten
    self.frameOffset = frameOffset
    self.sleepingRequests = sleepingRequests
  }
}
