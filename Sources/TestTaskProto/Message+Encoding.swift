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
      Self.appendFrame(payloadByteCount: 2, to: &output) { frame in
        frame.append(FieldTag.requestForFastResponse)
        frame.append(0)
      }
    case .requestForSlowResponse(let timeInSecondsToSleep):
      Self.appendNumberFrame(FieldTag.requestForSlowResponse, timeInSecondsToSleep, to: &output)
    }
  }

  private static func appendNumberFrame(
    _ tag: UInt8, _ number: UInt32, to output: inout [UInt8]
  ) {
    // At most 6, so its length is a varint of one byte.
    let contentLength = UInt8(1 + Varint32.byteCount(of: number))
    // The length of a prefix is computed when this is compiled, and not for each message.
    let prefixByteCount = FrameEncoder.prefixByteCount(of: 8)
    output.append(addingCapacity: prefixByteCount + 2 + Int(contentLength)) { frame in
      frame.append(framePrefix: 2 + UInt32(contentLength))
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
    appendFrame(payloadByteCount: payloadLength, to: &output) { frame in
      frame.append(tag)
      frame.append(varint: contentLength)
      frame.append(FieldTag.text)
      frame.append(varint: textLength)
      frame.append(utf8Of: text)
    }
  }

  /// Appends a frame: its prefix, and the payload that `body` writes.
  @inline(__always)
  private static func appendFrame(
    payloadByteCount: UInt32, to output: inout [UInt8],
    _ body: (inout OutputSpan<UInt8>) -> Void
  ) {
    let prefixByteCount = FrameEncoder.prefixByteCount(of: payloadByteCount)
    output.append(addingCapacity: prefixByteCount + Int(payloadByteCount)) { frame in
      frame.append(framePrefix: payloadByteCount)
      body(&frame)
    }
  }
}
