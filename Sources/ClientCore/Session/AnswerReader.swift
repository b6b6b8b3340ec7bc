import TestTaskProto

/// Reads a server's stream: turns bytes into answers, or into the violation found in them.
///
/// One reader serves one connection.
struct AnswerReader {
  /// What to do after an answer.
  enum Verdict {
    case proceed
    /// No request asked for it: a violation.
    case unexpected
  }

  private var decoder = FrameDecoder()
  /// The number of bytes that came before those that are being read.
  private var bytesRead: UInt64 = 0
  /// The first bytes of the frame that is incomplete, for the excerpt of a violation.
  private var start: [UInt8] = []

  /// The number of bytes of an answer that is not complete yet; 0 between answers.
  var incompleteByteCount: Int { decoder.isInsideFrame ? Int(bytesRead - decoder.offset) : 0 }

  /// Where in the stream the next answer begins, or the incomplete one began.
  var offset: UInt64 { decoder.offset }

  /// Reads the next bytes and hands on each answer that they complete.
  mutating func read(
    _ bytes: RawSpan, onAnswer: (Answer) -> Verdict
  ) throws(Violation) {
    do throws(ProtocolViolation) {
      _ = try decoder.decode(bytes) { payload throws(ProtocolViolation.Kind) in
        let verdict =
          switch try Message(decoding: payload) {
          case .fastResponse(let time): onAnswer(.fast(serverTime: time))
          case .slowResponse(let count): onAnswer(.slow(connectedClients: count))
          case .requestForFastResponse, .requestForSlowResponse: Verdict.unexpected
          }
        if case .unexpected = verdict { throw .unexpectedMessage }
        return .proceed
      }
    } catch {
      throw Violation(
        kind: error.kind, offset: error.offset, excerpt: frame(at: error.offset, in: bytes))
    }
    start = decoder.isInsideFrame ? frame(at: decoder.offset, in: bytes) : []
    bytesRead &+= UInt64(bytes.byteCount)
  }

  /// The server has ended its stream.
  func finish() throws(Violation) {
    guard decoder.isInsideFrame else { return }
    throw Violation(kind: .truncated, offset: decoder.offset, excerpt: start)
  }

  /// The first bytes of the frame at an offset of the stream, whose end is among these bytes.
  private func frame(at offset: UInt64, in bytes: RawSpan) -> [UInt8] {
    var first = offset < bytesRead ? start : []
    var index = offset < bytesRead ? 0 : Int(offset - bytesRead)
    while first.count < Violation.excerptLimit, index < bytes.byteCount {
      first.append(unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
      index += 1
    }
    return first
  }
}
