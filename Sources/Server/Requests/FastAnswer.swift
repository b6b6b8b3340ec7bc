import TestTaskProto

/// The answer to a fast request as it goes out, made anew once a millisecond at most.
struct FastAnswer {
  private var formatter = TimestampFormatter()
  private var millisecond = Int64.min
  /// The frame: length prefix and payload.
  private(set) var frame: [UInt8] = []

  /// Brings the time in the frame up to date.
  mutating func refresh(wallClockNanoseconds: Int64) {
    guard wallClockNanoseconds / 1_000_000 != millisecond else { return }
    millisecond = wallClockNanoseconds / 1_000_000
    frame.removeAll(keepingCapacity: true)
    Message.fastResponse(
      currentDateTime: formatter.format(wallClockNanoseconds: wallClockNanoseconds)
    ).appendFrame(to: &frame)
  }
}
