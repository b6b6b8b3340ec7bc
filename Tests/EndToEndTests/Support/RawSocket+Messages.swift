import TestTaskProto
import UVNetTestKit

extension Message {
  var frame: [UInt8] {
    var bytes: [UInt8] = []
    appendFrame(to: &bytes)
    return bytes
  }

  static func slow(_ seconds: UInt32) -> Message {
    .requestForSlowResponse(timeInSecondsToSleep: seconds)
  }

  static var fast: Message { .requestForFastResponse }
}

extension RawSocket {
  func send(_ messages: Message...) throws {
    try send(messages.flatMap(\.frame))
  }

  /// Receives one message, and not a byte more.
  func receiveMessage() throws -> Message {
    var decoder = FrameDecoder()
    var message: Message?
    while true {
      let byte = try receive(1)
      _ = try decoder.decode(byte.span.bytes) { payload throws(ProtocolViolation.Kind) in
        message = try Message(decoding: payload)
        return .stop
      }
      if let message { return message }
    }
  }

  /// Receives `count` messages that may come in any pieces.
  func receiveMessages(_ count: Int) throws -> [Message] {
    var decoder = FrameDecoder()
    var messages: [Message] = []
    while messages.count < count {
      let bytes = try receiveSome()
      guard !bytes.isEmpty else { throw Failure.ended(bytes) }
      _ = try decoder.decode(bytes.span.bytes) { payload throws(ProtocolViolation.Kind) in
        messages.append(try Message(decoding: payload))
        return .proceed
      }
    }
    return messages
  }
}

extension Message {
  var isFastResponse: Bool {
    if case .fastResponse(let time) = self { time.utf8.count == 19 } else { false }
  }
}
