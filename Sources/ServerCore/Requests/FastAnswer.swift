internal import TestTaskProto

/// The answer to fast requests as it goes out, made anew once a millisecond at most.
///
/// It cannot be copied, so that lending its frames retains nothing. It is public, though for this
/// package alone: Swift 6.3 inlines into another module only what is public, and calls what has
/// package access, which costs a fast request 60 instructions of 860.
public struct FastAnswer: ~Copyable {
  /// A frame: its length prefix, two tags with lengths, and the 19 characters of a timestamp.
  @inlinable
  public static var byteCount: Int { 24 }

  private var formatter = TimestampFormatter()
  @usableFromInline var millisecond = Int64.min
  /// The same frame again and again, as often as some client has asked in one read.
  @usableFromInline var frames: [UInt8] = []

  package init() {
    Message.fastResponse(currentDateTime: formatter.format(wallClockNanoseconds: 0))
      .appendFrame(to: &frames)
  }

  /// Brings the time up to date in at least `count` frames.
  @inlinable @inline(__always)
  public mutating func refresh(wallClockNanoseconds: Int64, count: Int) {
    let millisecond = wallClockNanoseconds / 1_000_000
    if millisecond != self.millisecond {
      self.millisecond = millisecond
      rewrite(wallClockNanoseconds)
    }
    if frames.count < count * Self.byteCount { repeatFrame(count) }
  }

  /// Lends the first `count` frames, of as many as were brought up to date.
  @inlinable @inline(__always)
  public func withFrames<Result>(_ count: Int, _ body: (RawSpan) -> Result) -> Result {
    body(frames.span.bytes.extracting(0..<count * Self.byteCount))
  }

  @usableFromInline
  mutating func rewrite(_ wallClockNanoseconds: Int64) {
    formatter.update(wallClockNanoseconds: wallClockNanoseconds)
    frames.removeLast(frames.count - Self.byteCount)
    // The text ends the frame.
    let start = Self.byteCount - Timestamp.textByteCount
    for index in 0..<Timestamp.textByteCount { frames[start + index] = formatter.text[index] }
  }

  @usableFromInline
  mutating func repeatFrame(_ count: Int) {
    // A copy of its own: a slice would share the memory, and each append would copy all of it.
    let frame = Array(frames[..<Self.byteCount])
    while frames.count < count * Self.byteCount { frames.append(contentsOf: frame) }
  }
}
