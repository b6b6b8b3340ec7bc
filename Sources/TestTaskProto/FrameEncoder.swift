/// Writes frames: a length prefix, then the payload (P1).
///
/// It frames any payload. ``Message/appendFrame(to:)`` is shorter for this protocol's own messages.
public enum FrameEncoder {
  /// The number of bytes before a payload of this length.
  @inline(__always)
  static func prefixByteCount(of payloadByteCount: UInt32) -> Int {
    Varint32.byteCount(of: payloadByteCount)
  }

  /// Appends `payload` as one frame to `output`.
  ///
  /// - Parameters:
  ///   - payload: The frame's content; may be empty.
  ///   - maximumFrameLength: The most bytes that the receiver takes as one payload.
  ///   - output: Where the frame goes; unchanged when this throws.
  /// - Throws: ``ProtocolViolation/Kind/frameTooLarge`` when the payload is longer than
  ///   `maximumFrameLength`, or than 2^32 − 1 bytes, the most that a prefix can express (P5).
  public static func append(
    payload: RawSpan,
    maximumFrameLength: Int = FrameDecoder.defaultMaximumFrameLength,
    to output: inout [UInt8]
  ) throws(ProtocolViolation.Kind) {
    guard payload.byteCount <= maximumFrameLength,
      let length = UInt32(exactly: payload.byteCount)
    else { throw .frameTooLarge }
    output.append(addingCapacity: prefixByteCount(of: length) + payload.byteCount) { frame in
      frame.append(framePrefix: length)
      unsafe payload.withUnsafeBytes { unsafe frame.append(contentsOf: $0) }
    }
  }

  /// Appends the bytes of an array as one frame to `output`.
  ///
  /// - Parameters:
  ///   - payload: The frame's content; may be empty.
  ///   - maximumFrameLength: The most bytes that the receiver takes as one payload.
  ///   - output: Where the frame goes; unchanged when this throws.
  /// - Throws: ``ProtocolViolation/Kind/frameTooLarge`` when the payload is longer than
  ///   `maximumFrameLength`, or than the 2^32 − 1 bytes that a prefix can say (P5).
  public static func append(
    payload: [UInt8],
    maximumFrameLength: Int = FrameDecoder.defaultMaximumFrameLength,
    to output: inout [UInt8]
  ) throws(ProtocolViolation.Kind) {
    try unsafe append(
      payload: payload.span.bytes, maximumFrameLength: maximumFrameLength, to: &output)
  }
}

extension OutputSpan where Element == UInt8 {
  /// Appends what stands before a payload of this length; there must be room for it.
  @inline(__always)
  mutating func append(framePrefix payloadByteCount: UInt32) {
    append(varint: payloadByteCount)
  }
}
