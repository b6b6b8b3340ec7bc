extension Message {
  /// Appends the message as one frame, length prefix and payload, to `output`.
  ///
  /// The bytes are those that protobuf makes. Nothing is allocated beyond what `output` needs to
  /// grow.
  ///
  /// - Precondition: The text of a fast response is shorter than 2^31 − 16 bytes, protobuf's own
  ///   limit on a message. Receivers with the default limit take 65 528.
  public func appendFrame(to output: inout [UInt8]) {
    switch self {
    case .fastResponse(let currentDateTime):
      Self.appendTextFrame(FieldTag.fastResponse, currentDateTime, to: &output)
    case .slowResponse(let connectedClientCount):
      Self.appendNumberFrame(FieldTag.slowResponse, connectedClientCount, to: &output)
    case .requestForFastResponse:
      output.append(2)
      output.append(FieldTag.requestForFastResponse)
      output.append(0)
    case .requestForSlowResponse(let timeInSecondsToSleep):
      Self.appendNumberFrame(FieldTag.requestForSlowResponse, timeInSecondsToSleep, to: &output)
    }
  }

  private static func appendNumberFrame(
    _ tag: UInt8, _ number: UInt32, to output: inout [UInt8]
  ) {
    // At most 6 and 8, so both lengths are varints of one byte.
    let contentLength = UInt8(1 + Varint32.byteCount(of: number))
    output.append(2 + contentLength)
    output.append(tag)
    output.append(contentLength)
    output.append(FieldTag.number)
    Varint32.append(number, to: &output)
  }

  private static func appendTextFrame(_ tag: UInt8, _ text: String, to output: inout [UInt8]) {
    let utf8 = text.utf8
    precondition(utf8.count < Int32.max - 16, "a protobuf message is shorter than 2 GiB")
    let textLength = UInt32(utf8.count)
    let contentLength = 1 + UInt32(Varint32.byteCount(of: textLength)) + textLength
    Varint32.append(
      1 + UInt32(Varint32.byteCount(of: contentLength)) + contentLength, to: &output)
    output.append(tag)
    Varint32.append(contentLength, to: &output)
    output.append(FieldTag.text)
    Varint32.append(textLength, to: &output)
    output.append(contentsOf: utf8)
  }
}
