extension Message {
  /// Decodes the payload of one frame, a serialized `WrapperMessage`.
  ///
  /// Protobuf's rules decide: unknown fields are ignored, of a field that comes twice the last
  /// wins or both merge (P6). The encodings that a usual sender makes are recognised at once; all
  /// others are read in one pass, so that the cost is bounded by the length. A request is decoded without
  /// an allocation.
  ///
  /// - Parameter payload: The bytes after the length prefix; may be empty.
  /// - Throws: ``ProtocolViolation/Kind/malformedMessage`` when protobuf rejects the payload,
  ///   else ``ProtocolViolation/Kind/noField`` or ``ProtocolViolation/Kind/severalFields`` when
  ///   not exactly one field is set (P3).
  @inlinable
  public init(decoding payload: RawSpan) throws(ProtocolViolation.Kind) {
    if payload.byteCount == 2,
      payload.byte(at: 0) == FieldTag.requestForFastResponse,
      payload.byte(at: 1) == 0
    {
      self = .requestForFastResponse
    } else {
      try self.init(decodingLonger: payload)
    }
  }

  /// Counts the fast requests that `bytes` begins with, in the three bytes that usual senders use.
  ///
  /// With it a server need not decode each request of a long run; decoding would deliver the same number.
  /// Another encoding of a fast request ends the count.
  ///
  /// - Parameters:
  ///   - bytes: Bytes that begin with a frame.
  ///   - most: The most to count.
  /// - Returns: How many there are; each is ``fastRequestByteCount`` long.
  @inlinable
  public static func fastRequests(leading bytes: RawSpan, atMost most: Int) -> Int {
    bytes.byteCount < runByteCount
      ? fastRequestsOneByOne(leading: bytes, atMost: most, after: 0)
      : fastRequestsByRuns(leading: bytes, atMost: most)
  }

  /// Counts on from `count` fast requests that `bytes` is known to begin with.
  @inlinable
  @inline(__always)
  static func fastRequestsOneByOne(
    leading bytes: RawSpan, atMost most: Int, after count: Int
  ) -> Int {
    let prefix = UInt16(littleEndian: UInt16(FieldTag.requestForFastResponse) << 8 | 2)
    var count = count
    var position = count * fastRequestByteCount
    // The loads need no check of their own: all bytes that they read are in the span, by the
    // condition before them. With checks each request of a long run costs two branches more.
    while count < most, position + fastRequestByteCount <= bytes.byteCount,
      unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt16.self)
        == prefix,
      unsafe bytes.unsafeLoad(fromUncheckedByteOffset: position + 2, as: UInt8.self) == 0
    {
      count += 1
      position += fastRequestByteCount
    }
    return count
  }

  /// Eight fast requests are as long as three words, which are compared at once: 3 instructions a
  /// request in place of 9.
  @inlinable
  static var runByteCount: Int { 24 }

  /// Counts the fast requests that `bytes` begins with by eights.
  ///
  /// Out of line, so that a single request, the commonest read, pays for one comparison only.
  @usableFromInline
  @inline(never)
  static func fastRequestsByRuns(leading bytes: RawSpan, atMost most: Int) -> Int {
    var count = 0
    var position = 0
    while position + runByteCount <= bytes.byteCount, most - count >= 8,
      unsafe isRun(bytes, at: position)
    {
      count += 8
      position += runByteCount
    }
    return fastRequestsOneByOne(leading: bytes, atMost: most, after: count)
  }

  /// Whether eight fast requests begin at a position; the span must have ``runByteCount`` bytes there.
  @inline(__always)
  @unsafe
  private static func isRun(_ bytes: RawSpan, at position: Int) -> Bool {
    let tag = UInt64(FieldTag.requestForFastResponse)
    let period = tag << 8 | 2
    // The three words of 02 1a 00 02 1a 00 …, which begin with 02, 00 and 1a.
    let words = (
      period | period << 24 | period << 48, period << 8 | period << 32 | 2 << 56,
      tag | period << 16 | period << 40
    )
    func word(_ index: Int) -> UInt64 {
      UInt64(
        littleEndian: unsafe bytes.unsafeLoadUnaligned(
          fromUncheckedByteOffset: position + 8 * index, as: UInt64.self))
    }
    return (word(0) ^ words.0) | (word(1) ^ words.1) | (word(2) ^ words.2) == 0
  }

  /// The length of a fast request's usual frame: prefix, tag, and the length of its empty content.
  @inlinable
  public static var fastRequestByteCount: Int { 3 }

  /// Decodes everything but the two bytes of a fast request.
  @usableFromInline
  init(decodingLonger payload: RawSpan) throws(ProtocolViolation.Kind) {
    if let message = Message(decodingCanonical: payload) {
      self = message
    } else {
      try self.init(decodingWrapper: payload)
    }
  }

  /// Decodes the shortest encoding of a message with short content; nil for all other bytes.
  ///
  /// Nil does not mean that the payload is invalid: it has to be decoded by protobuf's rules then. A payload
  /// that is accepted here has the one field, of the right type, and ends where the field ends.
  package init?(decodingCanonical payload: RawSpan) {
    // The second byte must be a length of one byte, so it is below 0x80.
    guard payload.byteCount >= 2, payload.byteCount < 2 + 0x80,
      Int(payload.byte(at: 1)) == payload.byteCount - 2
    else { return nil }
    let content = payload.extracting(2..<payload.byteCount)
    switch payload.byte(at: 0) {
    case FieldTag.requestForFastResponse where content.isEmpty:
      self = .requestForFastResponse
    case FieldTag.requestForSlowResponse:
      guard let seconds = content.canonicalNumber else { return nil }
      self = .requestForSlowResponse(timeInSecondsToSleep: seconds)
    case FieldTag.slowResponse:
      guard let count = content.canonicalNumber else { return nil }
      self = .slowResponse(connectedClientCount: count)
    case FieldTag.fastResponse:
      guard let text = content.canonicalText else { return nil }
      self = .fastResponse(currentDateTime: text)
    default:
      return nil
    }
  }
}

extension RawSpan {
  /// The number, when the span is one number field and nothing else.
  fileprivate var canonicalNumber: UInt32? {
    guard byteCount >= 2, byte(at: 0) == FieldTag.number,
      // Longer varints are legal in a message, unlike in a prefix: not read here.
      let number = try? Varint32.decode(self, at: 1),
      number.byteCount == byteCount - 1
    else { return nil }
    return number.value
  }

  /// The text, when the span is one text field with valid UTF-8 and nothing else.
  fileprivate var canonicalText: String? {
    guard byteCount >= 2, byteCount < 2 + 0x80,
      byte(at: 0) == FieldTag.text, Int(byte(at: 1)) == byteCount - 2
    else { return nil }
    return unsafe extracting(2..<byteCount).withUnsafeBytes {
      unsafe String(validating: $0, as: UTF8.self)
    }
  }
}
