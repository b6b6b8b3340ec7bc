import TestTaskProto

/// How the server broke the protocol, with the bytes that show it.
struct Violation: Error, Hashable {
  /// The most bytes of a bad frame that are kept to be shown.
  static let excerptLimit = 32

  var kind: ProtocolViolation.Kind
  /// Where in the server's stream the bad frame begins, in bytes.
  var offset: UInt64
  /// The first bytes of the bad frame, as far as they had come.
  var excerpt: [UInt8] = []

  /// For people: what is wrong, and where.
  var description: String { "\(meaning), at byte \(offset)" }

  /// For programs: the protocol's name for it, such as `severalFields`.
  var name: String { kind.rawValue }

  private var meaning: String {
    switch kind {
    case .malformedLength: "a malformed length prefix"
    case .frameTooLarge: "a frame longer than \(FrameDecoder.defaultMaximumFrameLength) bytes"
    case .malformedMessage: "a message that protobuf cannot read"
    case .noField: "a message without a known field"
    case .severalFields: "a message with more than one field set"
    case .unexpectedMessage: "a message that answers no request"
    case .truncated: "the stream ended inside a frame"
    }
  }

  /// The excerpt as hexadecimal digits, two a byte.
  func hexExcerpt(separator: String = "") -> String {
    excerpt.map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0" + digits : digits
    }.joined(separator: separator)
  }
}
