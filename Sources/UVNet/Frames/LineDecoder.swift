#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Cuts a stream into lines, each of which ends with a line feed, or with a carriage return before it.
///
/// ```swift
/// for try await line in connection.frames(using: .lines, maximumLength: 512) {
///   try await connection.write("\(line.count) characters\n")
/// }
/// ```
///
/// A stream that ends inside a line was cut off (``FrameError/truncated(byteCount:)``), unless the
/// decoder accepts a last line without an end.
public struct LineDecoder<Line, Failure: Error>: Decoding {
  @usableFromInline let makeLine: (RawSpan) throws(Failure) -> Line
  @usableFromInline let acceptsUnterminatedLine: Bool
  /// Bytes of the line in which there is no line feed.
  @usableFromInline var searched = 0

  /// Makes a decoder.
  ///
  /// - Parameters:
  ///   - acceptsUnterminatedLine: Whether the end of the stream ends a line, too.
  ///   - makeLine: Makes a line of its bytes, which come without its end; the span is valid during
  ///     the call only.
  @inlinable
  public init(
    acceptsUnterminatedLine: Bool = false,
    _ makeLine: @escaping (RawSpan) throws(Failure) -> Line
  ) {
    self.acceptsUnterminatedLine = acceptsUnterminatedLine
    self.makeLine = makeLine
  }

  /// Looks for the end of a line.
  @inlinable
  public mutating func decode(_ bytes: RawSpan) throws(Failure) -> Decoded<Line> {
    guard let lineFeed = firstLineFeed(in: bytes, from: min(searched, bytes.byteCount)) else {
      searched = bytes.byteCount
      return .needMore
    }
    searched = 0
    let hasReturn = lineFeed > 0 && bytes.byte(at: lineFeed - 1) == UInt8(ascii: "\r")
    let line = try makeLine(bytes.extracting(first: hasReturn ? lineFeed - 1 : lineFeed))
    return .frame(line, consumed: lineFeed + 1)
  }

  /// Looks for the end of a line, for which the end of the stream may do.
  @inlinable
  public mutating func decodeAtEnd(_ bytes: RawSpan) throws(Failure) -> Decoded<Line> {
    let decoded = try decode(bytes)
    guard acceptsUnterminatedLine, case .needs = decoded else { return decoded }
    searched = 0
    return .frame(try makeLine(bytes), consumed: bytes.byteCount)
  }
}

@usableFromInline
func firstLineFeed(in bytes: RawSpan, from start: Int) -> Int? {
  unsafe bytes.withUnsafeBytes { buffer in
    guard start < buffer.count, let base = buffer.baseAddress,
      let found = unsafe memchr(base + start, Int32(UInt8(ascii: "\n")), buffer.count - start)
    else { return nil }
    return unsafe UnsafeRawPointer(found) - base
  }
}

extension Decoding where Self == LineDecoder<String, Never> {
  /// Lines as text; bytes that are not UTF-8 become U+FFFD.
  @inlinable
  public static var lines: Self { LineDecoder { String(decoding: $0) } }
}
