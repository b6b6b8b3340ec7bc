/// A violation of the protocol by a peer, and its place in the stream (P6).
public struct ProtocolViolation: Error, Hashable, Sendable {
  /// The rule that was broken.
  public var kind: Kind

  /// The position of the first byte of the frame that breaks the rule.
  ///
  /// In bytes from the start of the peer's stream; the first byte has offset 0.
  public var offset: UInt64

  /// Creates a violation of the given kind at a stream offset in bytes.
  @inlinable
  public init(kind: Kind, offset: UInt64) {
    self.kind = kind
    self.offset = offset
  }
}

extension ProtocolViolation {
  /// The rule that was broken; the raw value is the name that logs show.
  @frozen
  public enum Kind: String, Error, Hashable, Sendable, CaseIterable {
    /// The length prefix has more than five bytes or a value above 2^32 − 1 (P5).
    case malformedLength

    /// The announced length is over the limit of the receiver (P5).
    case frameTooLarge

    /// Protobuf rejects the payload.
    ///
    /// A required field is missing, a string is not UTF-8, a field is truncated or nesting is too
    /// deep (P6). It takes precedence over every rule about the wrapper's fields.
    case malformedMessage

    /// No known field of the wrapper is set; a frame of length zero is one of these (P3).
    case noField

    /// Two or more fields of the wrapper are set (P3).
    case severalFields

    /// The message is well formed, but not one that this receiver expects now.
    ///
    /// A response sent to a server, a request sent to a client, an answer without a request, or an
    /// answer of the wrong kind (P6). This module never reports it by itself: only the receiver
    /// knows.
    case unexpectedMessage

    /// The stream ended inside a frame (P6).
    case truncated
  }
}

extension ProtocolViolation: CustomStringConvertible {
  /// The kind and the offset, for example `malformedMessage at byte 3`.
  public var description: String {
    "\(kind.rawValue) at byte \(offset)"
  }
}
