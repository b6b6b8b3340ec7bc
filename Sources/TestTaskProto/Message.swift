/// One message of the protocol: a wrapper with exactly one field (P3).
///
/// A wrapper with no field or with two cannot be represented.
public enum Message: Hashable, Sendable {
  /// The answer to ``requestForFastResponse``.
  ///
  /// A server sends its local time in the form of ``Timestamp`` (P4). A receiver gets any UTF-8 that the
  /// peer wrote: escape it before it is shown.
  case fastResponse(currentDateTime: String)

  /// The answer to ``requestForSlowResponse(timeInSecondsToSleep:)``.
  ///
  /// It carries the number of clients that were connected when the request was received.
  case slowResponse(connectedClientCount: UInt32)

  /// Asks for the server's time, at once.
  case requestForFastResponse

  /// Asks for the number of connected clients, to be sent after this number of seconds.
  ///
  /// Any number is valid, including 0 and 4 294 967 295.
  case requestForSlowResponse(timeInSecondsToSleep: UInt32)

  /// Whether this is for a server; a response is for a client.
  @inlinable
  public var isRequest: Bool {
    switch self {
    case .requestForFastResponse, .requestForSlowResponse: true
    case .fastResponse, .slowResponse: false
    }
  }
}

/// The first byte of a field: its number and wire type, from Protos/messages.proto.
///
/// <https://protobuf.dev/programming-guides/encoding/#structure>
@usableFromInline
enum FieldTag {
  static var fastResponse: UInt8 { 1 << 3 | 2 }
  static var slowResponse: UInt8 { 2 << 3 | 2 }
  @usableFromInline
  static var requestForFastResponse: UInt8 { 3 << 3 | 2 }
  static var requestForSlowResponse: UInt8 { 4 << 3 | 2 }

  /// The one field of `FastResponse`.
  static var text: UInt8 { 1 << 3 | 2 }

  /// The one field of `SlowResponse` and of `RequestForSlowResponse`.
  static var number: UInt8 { 1 << 3 | 0 }
}
