/// Finds one message after another in bytes that the caller keeps (P1, P2, P5, P6).
///
/// ``FrameDecoder`` keeps an incomplete frame itself, and delivers all frames of a read. This one
/// finds one message at a time and leaves the bytes after it with the caller, as a task needs that
/// reads a connection.
public struct MessageDecoder: Sendable {
  /// What was found.
  public enum Found: Hashable, Sendable {
    /// A message, and the bytes that it took, its length prefix included.
    case message(Message, byteCount: Int)
    /// The message takes this many bytes in all, and they are not all there; 0 while that is
    /// unknown.
    case needs(byteCount: Int)
  }

  /// The most bytes that a payload may have.
  public let maximumFrameLength: Int

  /// The stream offset in bytes of the next message.
  public private(set) var offset: UInt64 = 0

  /// Creates a decoder at the start of a stream.
  ///
  /// - Parameter maximumFrameLength: The most bytes that a payload may have; clamped to
  ///   0 … 2^31 − 6.
  public init(maximumFrameLength: Int = FrameDecoder.defaultMaximumFrameLength) {
    self.maximumFrameLength = min(max(maximumFrameLength, 0), Int(Int32.max) - 5)
  }

  /// Looks for a message at the beginning of `bytes`.
  ///
  /// - Parameter bytes: The bytes from the end of the previous message on.
  /// - Returns: The message; or that more bytes are needed: the next call has these again.
  /// - Throws: ``ProtocolViolation`` with the offset of the message that breaks the rules.
  public mutating func next(in bytes: RawSpan) throws(ProtocolViolation) -> Found {
    do throws(ProtocolViolation.Kind) {
      guard let prefix = try Varint32.decode(bytes) else { return .needs(byteCount: 0) }
      guard prefix.value <= maximumFrameLength else { throw .frameTooLarge }
      let end = prefix.byteCount + Int(prefix.value)
      guard end <= bytes.byteCount else { return .needs(byteCount: end) }
      let message = try Message(decoding: bytes.extracting(prefix.byteCount..<end))
      offset &+= UInt64(end)
      return .message(message, byteCount: end)
    } catch {
      throw ProtocolViolation(kind: error, offset: offset)
    }
  }
}
