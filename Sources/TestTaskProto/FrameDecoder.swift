/// Cuts a TCP stream into frames, whatever pieces it comes in (P1, P2, P5).
///
/// It does not interpret the payload, so it decodes any varint32-delimited stream. Whole frames are handed
/// on as parts of the bytes that were read, without a copy. Bytes are kept only while a frame is
/// incomplete, never more of them than have come, and the memory is freed as soon as the frame is
/// complete: an idle connection costs the 24 bytes of this value.
///
/// ```swift
/// let consumed = try decoder.decode(bytes) { payload throws(ProtocolViolation.Kind) in
///   handle(try Message(decoding: payload))
///   return .proceed
/// }
/// ```
public struct FrameDecoder: Sendable {
  /// The limit on a payload's length unless another is given: 65 536 bytes (P5).
  @inlinable
  public static var defaultMaximumFrameLength: Int { 65536 }

  /// What to do after a frame.
  @frozen
  public enum Flow: Sendable {
    /// Continue with the next frame.
    case proceed

    /// Stop: ``FrameDecoder/decode(_:_:)`` returns at once.
    case stop
  }

  /// The incomplete frame, its prefix included; empty between frames.
  @usableFromInline
  var pending: [UInt8] = []

  @usableFromInline
  var nextOffset: UInt64 = 0

  @usableFromInline
  let limit: UInt32

  @usableFromInline
  var violation: ProtocolViolation.Kind?

  /// Creates a decoder at the start of a stream.
  ///
  /// - Parameter maximumFrameLength: The most bytes that a payload may have. With 0 only empty
  ///   frames pass. Other values are clamped to 0 … 2^32 − 1, the range of a prefix.
  public init(maximumFrameLength: Int = defaultMaximumFrameLength) {
    // The length of prefix and payload together must fit an Int, on 32-bit machines too.
    let countable = Int.max - Varint32.maximumByteCount
    limit = UInt32(clamping: min(maximumFrameLength, countable))
  }

  /// The most bytes that a payload may have.
  @inlinable
  public var maximumFrameLength: Int { Int(limit) }

  /// Whether a frame has begun and is incomplete.
  ///
  /// False after a violation: what was kept is dropped then.
  @inlinable
  public var isInsideFrame: Bool { !pending.isEmpty }

  /// The bytes of memory held for an incomplete frame; 0 between frames.
  @inlinable
  public var bufferCapacity: Int { pending.capacity }

  /// The stream offset in bytes of the first byte of the next frame, or of the incomplete one.
  ///
  /// After a violation it stays at the frame that broke the rules.
  @inlinable
  public var offset: UInt64 { nextOffset }

  /// Takes the next bytes of the stream and hands each frame that they complete to `body`.
  ///
  /// An incomplete frame at the end is kept inside. After a violation, found here or thrown by
  /// `body`, the decoder is poisoned: every later call throws the same violation.
  ///
  /// - Parameters:
  ///   - bytes: What was read, cut anywhere; may be empty.
  ///   - body: Takes one payload, valid during the call only, and says whether to continue. It must
  ///     not touch this decoder.
  /// - Returns: The number of bytes consumed: all of them, unless `body` returned ``Flow/stop``.
  ///   Then the remaining bytes were not read: keep them, and pass them again first.
  /// - Throws: ``ProtocolViolation`` with the offset of the frame that breaks the rules:
  ///   `malformedLength` and `frameTooLarge` as soon as the prefix is complete, or what `body`
  ///   threw.
  @inlinable
  public mutating func decode(
    _ bytes: RawSpan,
    _ body: (RawSpan) throws(ProtocolViolation.Kind) -> Flow
  ) throws(ProtocolViolation) -> Int {
    if let violation { throw ProtocolViolation(kind: violation, offset: nextOffset) }
    do throws(ProtocolViolation.Kind) {
      var position = 0
      if isInsideFrame {
        let resumed = try resumeFrame(with: bytes, body)
        position = resumed.consumed
        if resumed.flow == .stop { return position }
      }
      return try decodeFrames(of: bytes, from: position, body)
    } catch {
      throw poison(error)
    }
  }

  /// Whether the next byte is the first of a frame: nothing is incomplete and nothing was wrong.
  @inlinable
  public var isBetweenFrames: Bool { pending.isEmpty && violation == nil }

  /// Skips whole frames that the caller has recognised by their bytes.
  ///
  /// This saves decoding messages whose bytes are always the same, such as those that
  /// ``Message/fastRequests(leading:atMost:)`` counts.
  ///
  /// - Parameter byteCount: The length of those frames, prefixes included.
  /// - Precondition: ``isBetweenFrames``, and no payload is over ``maximumFrameLength``.
  @inlinable
  public mutating func skip(_ byteCount: Int) {
    precondition(isBetweenFrames, "frames can be skipped only between frames")
    nextOffset &+= UInt64(byteCount)
  }

  /// Checks, at the end of the stream, that no frame is incomplete; may be called again.
  ///
  /// - Throws: ``ProtocolViolation`` of kind `truncated` when the end is inside a frame, or the
  ///   violation that poisoned this decoder before.
  public mutating func finish() throws(ProtocolViolation) {
    if let violation { throw ProtocolViolation(kind: violation, offset: nextOffset) }
    if isInsideFrame { throw poison(.truncated) }
  }
}

extension FrameDecoder {
  /// Decodes frames that begin at `start` of `bytes`, and keeps an incomplete last one.
  @inlinable
  mutating func decodeFrames(
    of bytes: RawSpan,
    from start: Int,
    _ body: (RawSpan) throws(ProtocolViolation.Kind) -> Flow
  ) throws(ProtocolViolation.Kind) -> Int {
    var position = start
    while position < bytes.byteCount {
      let frame = try measureFrame(in: bytes, at: position)
      guard let frame, frame.byteCount <= bytes.byteCount - position else {
        keep(bytes.extracting(position..<bytes.byteCount), ofFrame: frame?.byteCount)
        return bytes.byteCount
      }
      let end = position + frame.byteCount
      let flow = try body(bytes.extracting(position + frame.prefixByteCount..<end))
      nextOffset &+= UInt64(frame.byteCount)
      position = end
      if flow == .stop { break }
    }
    return position
  }

  /// Reads the prefix at `start` and checks its length against the limit; nil when incomplete.
  @inlinable
  func measureFrame(
    in bytes: RawSpan, at start: Int
  ) throws(ProtocolViolation.Kind) -> (prefixByteCount: Int, byteCount: Int)? {
    guard let prefix = try Varint32.decode(bytes, at: start) else { return nil }
    guard prefix.value <= limit else { throw .frameTooLarge }
    return (prefix.byteCount, prefix.byteCount + Int(prefix.value))
  }

  /// Completes the kept frame as far as `bytes` reach, and delivers it once it is whole.
  @usableFromInline
  mutating func resumeFrame(
    with bytes: RawSpan,
    _ body: (RawSpan) throws(ProtocolViolation.Kind) -> Flow
  ) throws(ProtocolViolation.Kind) -> (consumed: Int, flow: Flow) {
    var consumed = 0
    while true {
      let frame = try unsafe measureFrame(in: pending.span.bytes, at: 0)
      if let frame, frame.byteCount == pending.count {
        return (consumed, try deliverPending(prefixByteCount: frame.prefixByteCount, body))
      }
      // While the prefix is incomplete the end of the frame is unknown: one byte at a time.
      let missing = frame.map { $0.byteCount - pending.count } ?? 1
      let available = min(missing, bytes.byteCount - consumed)
      guard available > 0 else { return (consumed, .proceed) }
      keep(bytes.extracting(consumed..<consumed + available), ofFrame: frame?.byteCount)
      consumed += available
    }
  }

  /// Hands the kept frame, now whole, to `body`; its memory is freed whatever `body` does.
  private mutating func deliverPending(
    prefixByteCount: Int,
    _ body: (RawSpan) throws(ProtocolViolation.Kind) -> Flow
  ) throws(ProtocolViolation.Kind) -> Flow {
    let frame = pending
    pending = []
    let flow = try unsafe body(frame.span.bytes.extracting(prefixByteCount..<frame.count))
    nextOffset &+= UInt64(frame.count)
    return flow
  }

  /// Keeps a part of an incomplete frame of `byteCount` bytes, nil while that is unknown.
  ///
  /// Memory grows with the bytes that have come, up to the frame's size: a peer cannot make it larger by
  /// announcing a long frame.
  @usableFromInline
  mutating func keep(_ part: RawSpan, ofFrame byteCount: Int?) {
    let needed = pending.count + part.byteCount
    if needed > pending.capacity {
      let roomy = max(needed, 2 * pending.capacity)
      pending.reserveCapacity(min(roomy, byteCount ?? Varint32.maximumByteCount))
    }
    pending.append(addingCapacity: part.byteCount) { free in
      unsafe part.withUnsafeBytes { unsafe free.append(contentsOf: $0) }
    }
  }

  /// Drops the kept bytes and stores the violation, which every later call throws.
  @usableFromInline
  mutating func poison(_ kind: ProtocolViolation.Kind) -> ProtocolViolation {
    violation = kind
    pending = []
    return ProtocolViolation(kind: kind, offset: nextOffset)
  }
}
