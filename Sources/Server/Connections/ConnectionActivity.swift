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

  private var seen = Observation()
  /// Bytes were last seen to have come or gone.
  private(set) var lastBytes: UInt64
  /// The incomplete frame was first seen.
  private(set) var frameBegan: UInt64?
  /// The peer was last seen to have taken some of what it has not all taken.
  private(set) var lastProgress: UInt64?

  var hasSleepingRequests: Bool { seen.sleepingRequests > 0 }

  /// Whether there is something to take and none of it was, between the last two looks.
  func takesNothing(at now: UInt64) -> Bool { lastProgress.map { $0 < now } ?? false }

  init(at now: UInt64) { lastBytes = now }

  mutating func observe(_ next: Observation, at now: UInt64) {
    if next.bytesRead != seen.bytesRead || next.bytesWritten != seen.bytesWritten
      || next.sleepingRequests != seen.sleepingRequests
    {
      lastBytes = now
    }
    if next.frameOffset == nil {
      frameBegan = nil
    } else if next.frameOffset != seen.frameOffset || frameBegan == nil {
      frameBegan = now
    }
    if next.unsent == 0 {
      lastProgress = nil
    } else if next.bytesWritten != seen.bytesWritten || lastProgress == nil {
      lastProgress = now
    }
    seen = next
  }
}
