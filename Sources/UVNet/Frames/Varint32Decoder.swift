/// Cuts a stream into payloads with their length before them, an unsigned 32-bit number in one to
/// five bytes: seven bits a byte, the least significant first, the top bit set in all bytes but the
/// last (<https://protobuf.dev/programming-guides/encoding/#varints>).
///
/// This is how protobuf's messages are usually delimited. A length over the limit of
/// ``StreamConnection/frames(using:maximumLength:)``, which includes the length's own bytes, ends the
/// stream before any of the payload is kept.
public struct Varint32Decoder<Payload, Failure: Error>: Decoding {
  @usableFromInline let malformedLength: Failure
  @usableFromInline let makePayload: (RawSpan) throws(Failure) -> Payload

  /// Makes a decoder.
  ///
  /// - Parameters:
  ///   - malformedLength: What to throw for a length that has more than five bytes or 32 bits.
  ///   - makePayload: Makes a frame of a payload, which may be empty; the span is valid during the
  ///     call only.
  @inlinable
  public init(
    malformedLength: Failure, _ makePayload: @escaping (RawSpan) throws(Failure) -> Payload
  ) {
    self.malformedLength = malformedLength
    self.makePayload = makePayload
  }

  /// Looks for a length and its payload.
  @inlinable
  public func decode(_ bytes: RawSpan) throws(Failure) -> Decoded<Payload> {
    guard let length = try self.length(in: bytes) else { return .needMore }
    let end = length.byteCount + length.value
    guard end <= bytes.byteCount else { return .needs(byteCount: end) }
    return .frame(try makePayload(bytes.extracting(length.byteCount..<end)), consumed: end)
  }

  @inlinable
  func length(
    in bytes: RawSpan
  ) throws(Failure) -> (value: Int, byteCount: Int)? {
    var value: UInt32 = 0
    for index in 0..<min(5, bytes.byteCount) {
      let byte = bytes.byte(at: index)
      // The fifth has the last four of 32 bits, and nothing may follow it.
      if index == 4, byte > 0x0F { throw malformedLength }
      value |= UInt32(byte & 0x7F) << UInt32(7 * index)
      guard byte >= 0x80 else {
        // One that no memory could hold is no frame either; no 64-bit machine meets it.
        guard let count = Int(exactly: value), count <= Int.max - 5 else { throw malformedLength }
        return (count, index + 1)
      }
    }
    return nil
  }
}

/// A length that has more than five bytes or more than 32 bits.
public struct MalformedLength: Error, Hashable {
  /// Makes the error; for embedders' own decoders and tests.
  @inlinable
  public init() {}
}

extension Varint32Decoder where Failure == MalformedLength {
  /// Makes a decoder of payloads of which none is malformed.
  ///
  /// - Parameter makePayload: Makes a frame of a payload; the span is valid during the call only.
  @inlinable
  public init(_ makePayload: @escaping (RawSpan) -> Payload) {
    self.init(malformedLength: MalformedLength()) { makePayload($0) }
  }
}

extension Decoding where Self == Varint32Decoder<[UInt8], MalformedLength> {
  /// Payloads as bytes.
  @inlinable
  public static var varint32: Self { Varint32Decoder { [UInt8]($0) } }
}
