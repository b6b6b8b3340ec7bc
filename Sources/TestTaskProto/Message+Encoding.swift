extension Message {
  /// Appends the message as one frame, length prefix and payload, to `output`.
  ///
  /// The bytes are those that protobuf makes. Nothing is allocated beyond what `output` needs to
  /// grow.
  ///
  /// - Precondition: The text of a fast response is shorter than 2^31 − 17 bytes, which keeps the
  ///   message below protobuf's limit of 2 GiB. Receivers with the default limit take 65 528.
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
    output.append(addingCapacity: 3 + Int(contentLength)) { frame in
      frame.append(2 + contentLength)
      frame.append(tag)
      frame.append(contentLength)
      frame.append(FieldTag.number)
      frame.append(varint: number)
    }
  }

  private static func appendTextFrame(_ tag: UInt8, _ text: String, to output: inout [UInt8]) {
    let byteCount = text.utf8.count
    precondition(byteCount < Int32.max - 16, "a protobuf message is shorter than 2 GiB")
    let textLength = UInt32(byteCount)
    let contentLength = 1 + UInt32(Varint32.byteCount(of: textLength)) + textLength
    let payloadLength = 1 + UInt32(Varint32.byteCount(of: contentLength)) + contentLength
    let prefixByteCount = Varint32.byteCount(of: payloadLength)
    output.append(addingCapacity: prefixByteCount + Int(payloadLength)) { frame in
      frame.append(varint: payloadLength)
      frame.append(tag)
      frame.append(varint: contentLength)
      frame.append(FieldTag.text)
      frame.append(varint: textLength)
      frame.append(utf8Of: text)
    }
  }
}
