/// Splits a stream of bytes into lines, however the bytes were cut on their way.
///
/// A line ends with a line feed, which is taken away, with a carriage return before it. What is kept
/// of a line that is not complete is bounded.
public struct LineSplitter: Sendable {
  /// A line had more bytes than are allowed.
  public struct LineTooLong: Error, Hashable, Sendable {
    /// The most bytes of a line, without its end.
    public let maximumLength: Int

    /// Makes an error; for embedders' own tests.
    public init(maximumLength: Int) { self.maximumLength = maximumLength }
  }

  /// The most bytes of a line, without its end.
  public let maximumLength: Int

  private var incomplete: [UInt8] = []

  /// Makes a splitter.
  ///
  /// - Parameter maximumLength: The most bytes of a line, without its end; at least 1.
  public init(maximumLength: Int = 8192) { self.maximumLength = max(1, maximumLength) }

  /// The bytes of the line that is not complete: at the stream's end, what came after the last line
  /// feed.
  public var rest: [UInt8] { incomplete }

  /// Takes bytes as they come, and calls `body` with each line that they complete.
  ///
  /// - Parameters:
  ///   - bytes: The bytes, such as those that `onData` gets.
  ///   - body: Called with each line, without its end; the span is valid during the call only.
  /// - Throws: ``LineTooLong``. The stream cannot be split any further then.
  public mutating func split(
    _ bytes: RawSpan, _ body: (RawSpan) -> Void
  ) throws(LineTooLong) {
    var start = 0
    for index in 0..<bytes.byteCount where bytes.byte(at: index) == UInt8(ascii: "\n") {
      let piece = bytes.extracting(start..<index)
      start = index + 1
      if incomplete.isEmpty {
        try emit(piece, body)
      } else {
        try keep(piece)
        let line = incomplete
        incomplete = []
        try unsafe emit(line.span.bytes, body)
      }
    }
    try keep(bytes.extracting(start..<bytes.byteCount))
  }

  /// One more than the longest line, since a carriage return may be the first half of its end.
  private mutating func keep(_ bytes: RawSpan) throws(LineTooLong) {
    guard bytes.byteCount <= maximumLength + 1 - incomplete.count else {
      throw LineTooLong(maximumLength: maximumLength)
    }
    unsafe bytes.withUnsafeBytes { unsafe incomplete.append(contentsOf: $0) }
  }

  private func emit(_ line: RawSpan, _ body: (RawSpan) -> Void) throws(LineTooLong) {
    var count = line.byteCount
    if count > 0, line.byte(at: count - 1) == UInt8(ascii: "\r") { count -= 1 }
    guard count <= maximumLength else { throw LineTooLong(maximumLength: maximumLength) }
    body(line.extracting(0..<count))
  }
}
