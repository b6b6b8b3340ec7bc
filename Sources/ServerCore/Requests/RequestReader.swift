internal import TestTaskProto

/// What a client sends, as requests: it hides where frames begin and end, and which bytes wait.
///
/// Bytes of an incomplete frame are kept inside. So are bytes that must not be looked at yet,
/// because the client has to take answers first; they wait where they were read to, with a position
/// in them, and are never copied again.
struct RequestReader {
  /// What comes next in a client's stream.
  enum Next: Equatable {
    /// This many fast requests, one after another.
    case fast(Int)
    /// One slow request.
    case slow(seconds: UInt32)
    /// Nothing whole is left.
    case needMore
    /// What the protocol does not allow; nothing can be read after it.
    case violation(ProtocolViolation)
  }

  private var decoder: FrameDecoder
  private var waiting: [UInt8] = []
  /// How far ``waiting`` has been read.
  private var position = 0

  init(maximumFrameBytes: Int) {
    decoder = FrameDecoder(maximumFrameLength: maximumFrameBytes)
  }

  /// Whether bytes wait to be read.
  var hasWaiting: Bool { !waiting.isEmpty }

  /// Bytes of memory held: those that wait, and an incomplete frame.
  var heldBytes: Int { waiting.count + decoder.bufferCapacity }

  /// Bytes of memory held for an incomplete frame.
  var partialFrameBytes: Int { decoder.bufferCapacity }

  /// Where the incomplete frame begins in the stream, if there is one.
  var partialFrameOffset: UInt64? { decoder.isInsideFrame ? decoder.offset : nil }

  /// The least that one fast request takes; a read of so many bytes is one at most.
  @inline(__always)
  static var fastRequestBytes: Int { Message.fastRequestByteCount }

  /// Takes the commonest reads there are, fast requests and nothing else; 0 for all others, and
  /// where there are more than `most`.
  @inline(__always)
  mutating func takeFastRequests(_ bytes: RawSpan, atMost most: Int) -> Int {
    guard waiting.isEmpty, decoder.isBetweenFrames else { return 0 }
    let count = Message.fastRequests(leading: bytes, atMost: most)
    guard count * Message.fastRequestByteCount == bytes.byteCount else { return 0 }
    decoder.skip(bytes.byteCount)
    return count
  }

  /// Reads on in bytes that have just come.
  ///
  /// - Parameters:
  ///   - bytes: What was read from the client.
  ///   - position: How far it has been looked at; begins with 0, and is moved on.
  ///   - mostFast: The most fast requests to take, 1 or more.
  /// - Returns: What comes next.
  mutating func next(in bytes: RawSpan, at position: inout Int, mostFast: Int) -> Next {
    guard position < bytes.byteCount else { return .needMore }
    let rest = bytes.extracting(position..<bytes.byteCount)
    if decoder.isBetweenFrames {
      let count = Message.fastRequests(leading: rest, atMost: mostFast)
      if count > 0 {
        decoder.skip(count * Message.fastRequestByteCount)
        position += count * Message.fastRequestByteCount
        return .fast(count)
      }
    }
    var next = Next.needMore
    do throws(ProtocolViolation) {
      position += try decoder.decode(rest) { payload throws(ProtocolViolation.Kind) in
        switch try Message(decoding: payload) {
        case .requestForFastResponse: next = .fast(1)
        case .requestForSlowResponse(let seconds): next = .slow(seconds: seconds)
        // Those are for clients.
        case .fastResponse, .slowResponse: throw .unexpectedMessage
        }
        return .stop
      }
    } catch {
      return .violation(error)
    }
    return next
  }

  /// Reads on in the bytes that wait.
  mutating func nextWaiting(mostFast: Int) -> Next {
    let bytes = waiting
    waiting = []
    var position = position
    let next = unsafe next(in: bytes.span.bytes, at: &position, mostFast: mostFast)
    if position < bytes.count { waiting = bytes }
    self.position = position < bytes.count ? position : 0
    return next
  }

  /// Lets bytes wait, from a position on.
  mutating func wait(_ bytes: RawSpan, from position: Int) {
    guard position < bytes.byteCount else { return }
    unsafe bytes.extracting(position..<bytes.byteCount).withUnsafeBytes {
      unsafe waiting.append(contentsOf: $0)
    }
  }

  /// Drops the bytes that wait and an incomplete frame: nothing is answered any more.
  mutating func dropAll() {
    (waiting, position) = ([], 0)
    decoder = FrameDecoder(maximumFrameLength: decoder.maximumFrameLength)
  }

  /// The stream has ended: the violation that it ended inside a frame, if it did.
  mutating func finish() -> ProtocolViolation? {
    do throws(ProtocolViolation) {
      try decoder.finish()
      return nil
    } catch {
      return error
    }
  }
}
