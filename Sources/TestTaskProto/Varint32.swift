/// The length prefix of a frame: an unsigned 32-bit number in one to five bytes.
///
/// Seven bits a byte, the least significant first, the top bit set in all bytes but the last:
/// the base-128 varint of <https://protobuf.dev/programming-guides/encoding/#varints>, cut off at
/// 32 bits. P5 says which forms are accepted.
public enum Varint32 {
  /// The most bytes that a prefix may have: 5.
  @inlinable
  public static var maximumByteCount: Int { 5 }

  /// Decodes the prefix that starts at `start`.
  ///
  /// Forms that are longer than needed are accepted as long as they fit in five bytes.
  ///
  /// - Parameters:
  ///   - bytes: The bytes to read from; more may follow the prefix.
  ///   - start: The offset of the prefix's first byte in `bytes`, 0 or more.
  /// - Returns: The value and the number of bytes that hold it, 1 to 5, or nil when `bytes` ends
  ///   before the prefix does.
  /// - Throws: ``ProtocolViolation/Kind/malformedLength`` when the fifth byte is above `0x0F`, that
  ///   is, when the value needs more than 32 bits or a sixth byte would follow.
  @inlinable
  public static func decode(
    _ bytes: RawSpan, at start: Int = 0
  ) throws(ProtocolViolation.Kind) -> (value: UInt32, byteCount: Int)? {
    guard start < bytes.byteCount else { return nil }
    let first = bytes.byte(at: start)
    if first < 0x80 { return (UInt32(first), 1) }
    return try decodeLong(bytes, at: start)
  }

  /// Decodes a prefix of any length: the rare case, kept out of the callers' code.
  @usableFromInline
  static func decodeLong(
    _ bytes: RawSpan, at start: Int
  ) throws(ProtocolViolation.Kind) -> (value: UInt32, byteCount: Int)? {
    var value: UInt32 = 0
    for index in 0..<min(maximumByteCount, bytes.byteCount - start) {
      let byte = bytes.byte(at: start + index)
      if index == 4, byte > 0x0F { throw .malformedLength }
      value |= UInt32(byte & 0x7F) << UInt32(7 * index)
      if byte < 0x80 { return (value, index + 1) }
    }
    return nil
  }

  /// The number of bytes that the shortest form of `value` takes, 1 to 5.
  @inlinable
  public static func byteCount(of value: UInt32) -> Int {
    let significantBits = UInt32.bitWidth - (value | 1).leadingZeroBitCount
    return (significantBits + 6) / 7
  }

  /// Appends the shortest form of `value` to `output`.
  public static func append(_ value: UInt32, to output: inout [UInt8]) {
    output.append(addingCapacity: byteCount(of: value)) { $0.append(varint: value) }
  }
}
