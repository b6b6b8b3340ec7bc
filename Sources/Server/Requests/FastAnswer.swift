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
    let needed = count * Self.byteCount
    guard frames.count < needed else { return }
    // A copy of its own: a slice would share the memory, and each append would copy all of it.
    let frame = Array(frames[..<Self.byteCount])
    frames.reserveCapacity(needed)
    while frames.count < needed { frames.append(contentsOf: frame) }
  }
}
