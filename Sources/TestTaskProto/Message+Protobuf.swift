internal import SwiftProtobuf

extension Message {
  /// Decodes a payload with swift-protobuf: the reference that our own decoding is tested against.
  package init(decodingByProtobuf payload: RawSpan) throws(ProtocolViolation.Kind) {
    // Nesting is limited to protobuf's usual 100 levels by default.
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    let wrapper: TestTask_Messages_WrapperMessage
    do {
      wrapper = try TestTask_Messages_WrapperMessage(serializedBytes: payload, options: options)
    } catch {
      throw .malformedMessage
    }
    try self.init(wrapper)
  }

  /// The payload as swift-protobuf makes it: the reference that `appendFrame` is tested against.
  package func serializedByProtobuf() throws -> [UInt8] {
    try TestTask_Messages_WrapperMessage(self).serializedBytes()
  }

  /// The message that a wrapper carries; exactly one field must be set (P3).
  private init(_ wrapper: TestTask_Messages_WrapperMessage) throws(ProtocolViolation.Kind) {
    switch (
      wrapper.hasFastResponse, wrapper.hasSlowResponse,
      wrapper.hasRequestForFastResponse, wrapper.hasRequestForSlowResponse
    ) {
    case (true, false, false, false):
      self = .fastResponse(currentDateTime: wrapper.fastResponse.currentDateTime)
    case (false, true, false, false):
      self = .slowResponse(connectedClientCount: wrapper.slowResponse.connectedClientCount)
    case (false, false, true, false):
      self = .requestForFastResponse
    case (false, false, false, true):
      self = .requestForSlowResponse(
        timeInSecondsToSleep: wrapper.requestForSlowResponse.timeInSecondsToSleep)
    case (false, false, false, false):
      throw .noField
    default:
      throw .severalFields
    }
  }
}

extension TestTask_Messages_WrapperMessage {
  /// The wrapper with the one field that `message` stands for.
  fileprivate init(_ message: Message) {
    self.init()
    switch message {
    case .fastResponse(let currentDateTime):
      fastResponse.currentDateTime = currentDateTime
    case .slowResponse(let connectedClientCount):
      slowResponse.connectedClientCount = connectedClientCount
    case .requestForFastResponse:
      requestForFastResponse = .init()
    case .requestForSlowResponse(let timeInSecondsToSleep):
      requestForSlowResponse.timeInSecondsToSleep = timeInSecondsToSleep
    }
  }
}
