import TestTaskProto

/// The answer to fast requests as it goes out, made anew once a millisecond at most.
struct FastAnswer {
  /// A frame: its length prefix, two tags with lengths, and the 19 characters of a timestamp.
  static let byteCount = 24

  private var formatter = TimestampFormatter()
  private var millisecond = Int64.min
  /// The same frame again and again, as often as some client has asked in one read.
  private(set) var frames: [UInt8] = []

  /// Brings the time up to date in at least `count` frames.
  mutating func refresh(wallClockNanoseconds: Int64, count: Int) {
    let millisecond = wallClockNanoseconds / 1_000_000
    if millisecond != self.millisecond {
      self.millisecond = millisecond
      frames.removeAll(keepingCapacity: true)
      Message.fastResponse(
        currentDateTime: formatter.format(wallClockNanoseconds: wallClockNanoseconds)
      ).appendFrame(to: &frames)
    }
    // Doubling, from a copy: appending a part of an array to itself copies all of it each time.
    while frames.count < count * Self.byteCount {
      let more = Array(frames.prefix(count * Self.byteCount - frames.count))
      frames.append(contentsOf: more)
    }
  }
}
