/// The frame that answers a fast request, made anew at most once a millisecond.
///
/// A server that answers several requests of one read gets as many copies of the frame, and writes
/// them together. The value cannot be copied, so that lending its frames retains no array. It may
/// be used on any thread, by one thread at a time.
public struct FastAnswer: ~Copyable {
  /// The length of the frame: its prefix, two tags with lengths, and the 19 characters of a timestamp.
  @inlinable
  public static var byteCount: Int { 24 }

  private var formatter = TimestampFormatter()
  @usableFromInline var millisecond = Int64.min
  /// Copies of the frame, as many as were ever asked for at once.
  @usableFromInline var frames: [UInt8] = []

  /// Creates the answer with the time 1970-01-01T00:00:00Z, and reads the time zone of the process.
  public init() {
    Message.fastResponse(currentDateTime: formatter.format(wallClockNanoseconds: 0))
      .appendFrame(to: &frames)
  }

  /// Brings the time up to date, in at least `count` copies of the frame.
  ///
  /// - Parameters:
  ///   - wallClockNanoseconds: Nanoseconds since 1970-01-01T00:00:00Z; negative before.
  ///   - count: How many frames are to be lent next, 1 or more. Memory for them is kept.
  @inlinable @inline(__always)
  public mutating func refresh(wallClockNanoseconds: Int64, count: Int) {
    let millisecond = wallClockNanoseconds / 1_000_000
    if millisecond != self.millisecond {
      self.millisecond = millisecond
      rewrite(wallClockNanoseconds)
    }
    if frames.count < count * Self.byteCount { repeatFrame(count) }
  }

  /// Lends frames, one after the other in one span.
  ///
  /// - Parameters:
  ///   - count: How many, at most the `count` of the last ``refresh(wallClockNanoseconds:count:)``.
  ///   - body: Called once, with the frames' bytes; they are valid until it returns.
  /// - Returns: What `body` returns.
  /// - Precondition: `count` is at most that of the last ``refresh(wallClockNanoseconds:count:)``.
  @inlinable @inline(__always)
  public func withFrames<Result>(_ count: Int, _ body: (RawSpan) -> Result) -> Result {
    unsafe body(frames.span.bytes.extracting(0..<count * Self.byteCount))
  }

  @usableFromInline
  mutating func rewrite(_ wallClockNanoseconds: Int64) {
    formatter.update(wallClockNanoseconds: wallClockNanoseconds)
    frames.removeLast(frames.count - Self.byteCount)
    // The text ends the frame.
    let start = Self.byteCount - Timestamp.textByteCount
    let text = formatter.text
    for index in 0..<Timestamp.textByteCount { frames[start + index] = text[index] }
  }

  @usableFromInline
  mutating func repeatFrame(_ count: Int) {
    // A copy of its own: a slice would share the memory, and each append would copy all of it.
    let frame = Array(frames[..<Self.byteCount])
    while frames.count < count * Self.byteCount { frames.append(contentsOf: frame) }
  }
}
