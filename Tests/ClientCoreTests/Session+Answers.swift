import TestTaskProto

@testable import TestTaskClientCore

extension Answer {
  /// The bytes that a server sends for it.
  var frame: [UInt8] {
    let message: Message =
      switch self {
      case .fast(let time): .fastResponse(currentDateTime: time)
      case .slow(let count): .slowResponse(connectedClientCount: count)
      }
    var frame: [UInt8] = []
    message.appendFrame(to: &frame)
    return frame
  }
}

extension Session {
  mutating func received(_ answer: Answer, at now: Moment) -> [SessionAction] {
    received(answer.frame, at: now)
  }

  mutating func received(_ bytes: [UInt8], at now: Moment) -> [SessionAction] {
    received(bytes.span.bytes, at: now)
  }
}

extension Session {
  mutating func connectFailed(_ reason: String, at now: Moment) -> [SessionAction] {
    connectFailed(ConnectFailure(.connect, reason), at: now)
  }
}
