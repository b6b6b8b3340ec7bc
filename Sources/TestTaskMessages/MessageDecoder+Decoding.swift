public import TestTaskProto
public import UVNet

/// Every rule of the protocol that is broken is a ``ProtocolViolation``: of the errors of a stream of
/// frames only those of the connection itself are left beside it.
extension MessageDecoder: Decoding {
  /// Looks for a message at the beginning of `bytes`.
  public mutating func decode(_ bytes: RawSpan) throws(ProtocolViolation) -> Decoded<Message> {
    switch try next(in: bytes) {
    case .message(let message, let byteCount): .frame(message, consumed: byteCount)
    case .needs(let byteCount): .needs(byteCount: byteCount)
    }
  }

  /// Looks for a message when nothing will follow; an incomplete one is truncated.
  public mutating func decodeAtEnd(
    _ bytes: RawSpan
  ) throws(ProtocolViolation) -> Decoded<Message> {
    let decoded = try decode(bytes)
    guard case .needs = decoded else { return decoded }
    throw ProtocolViolation(kind: .truncated, offset: offset)
  }
}
