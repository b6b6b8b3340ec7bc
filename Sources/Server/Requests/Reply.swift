import TestTaskProto

/// What a request gets, and when.
enum Reply: Equatable {
  /// The time, at once.
  case fastNow
  /// The number of clients connected now, after so many seconds.
  case slowLater(seconds: UInt32, clients: UInt32)

  /// Decides about one message.
  ///
  /// - Parameters:
  ///   - message: What came.
  ///   - connectedClients: Clients connected now, the one that asks included.
  /// - Throws: `unexpectedMessage` for a response: those are for clients.
  init(to message: Message, connectedClients: Int) throws(ProtocolViolation.Kind) {
    switch message {
    case .requestForFastResponse:
      self = .fastNow
    case .requestForSlowResponse(let seconds):
      self = .slowLater(seconds: seconds, clients: UInt32(clamping: connectedClients))
    case .fastResponse, .slowResponse:
      throw .unexpectedMessage
    }
  }

  /// When a sleep that begins now is over, in nanoseconds on the same clock; it cannot overflow.
  static func deadline(after seconds: UInt32, from now: UInt64) -> UInt64 {
    let (sum, overflow) = now.addingReportingOverflow(UInt64(seconds) * 1_000_000_000)
    return overflow ? .max : sum
  }
}
