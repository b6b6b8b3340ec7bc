/// Finds where a frame ends in a stream of bytes, and makes a value of it.
///
/// A decoder only looks. The bytes stay where they are, such as in a connection's buffer, until they
/// are part of a whole frame: what follows the last frame is left for other reads, and a decoder can
/// be tested without a socket. ``StreamConnection/frames(using:maximumLength:)`` asks one for each
/// frame of a connection:
///
/// ```swift
/// struct PointDecoder: Decoding {
///   func decode(_ bytes: RawSpan) -> Decoded<Point> {
///     guard bytes.byteCount >= 2 else { return .needs(byteCount: 2) }
///     let pair = [UInt8](bytes.extracting(first: 2))
///     return .frame(Point(x: pair[0], y: pair[1]), consumed: 2)
///   }
/// }
/// ```
///
/// ``LineDecoder`` and ``Varint32Decoder`` are ready to use.
public protocol Decoding {
  /// What the stream consists of.
  associatedtype Frame
  /// What is wrong with bytes that are no frame; `Never` if nothing can be.
  associatedtype Failure: Error

  /// Looks for a frame at the beginning of `bytes`.
  ///
  /// When the answer is ``Decoded/needMore``, the next call has the same bytes with more behind them.
  /// A decoder may remember how far it has looked, so that a frame that comes in many pieces costs
  /// no more than its length.
  ///
  /// - Parameter bytes: What is there from the end of the frame before, at least one byte and no more
  ///   than a frame may have.
  /// - Returns: The frame and its length, or that more bytes are needed.
  /// - Throws: What is wrong with the bytes. Nothing after them is looked at.
  mutating func decode(_ bytes: RawSpan) throws(Failure) -> Decoded<Frame>

  /// Looks for a frame when nothing will follow `bytes`.
  ///
  /// Unless a decoder says otherwise, the end completes no frame.
  ///
  /// - Parameter bytes: What is left of the stream, at least one byte.
  /// - Returns: The frame and its length; ``Decoded/needMore`` when the stream was cut off.
  /// - Throws: What is wrong with the bytes.
  mutating func decodeAtEnd(_ bytes: RawSpan) throws(Failure) -> Decoded<Frame>
}

extension Decoding {
  /// Looks for a frame as if more could come.
  ///
  /// - Parameter bytes: What is left of the stream.
  /// - Returns: As ``decode(_:)`` does.
  /// - Throws: As ``decode(_:)`` does.
  public mutating func decodeAtEnd(_ bytes: RawSpan) throws(Failure) -> Decoded<Frame> {
    try decode(bytes)
  }
}
