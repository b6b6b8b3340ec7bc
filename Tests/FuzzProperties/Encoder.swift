internal import TestTaskProto

/// Messages are encoded as swift-protobuf does it, and come back as they were.
func checkEncoder(_ input: [UInt8]) throws(Finding) {
  var fuzzed = FuzzedInput(input)
  var messages: [Message] = []
  while !fuzzed.isEmpty { messages.append(message(from: &fuzzed)) }

  var stream: [UInt8] = []
  var reference: [UInt8] = []
  for message in messages {
    message.appendFrame(to: &stream)
    do {
      let payload = try message.serializedByProtobuf()
      try FrameEncoder.append(payload: payload, maximumFrameLength: .max, to: &reference)
    } catch {
      throw Finding(message: "\(message) is refused: \(error)")
    }
  }
  try requireEqual(stream, reference, "the bytes of \(messages)")

  var decoder = FrameDecoder(maximumFrameLength: .max)
  var decoded: [Message] = []
  do throws(ProtocolViolation) {
    _ = try decoder.decode(stream.span.bytes) { payload throws(ProtocolViolation.Kind) in
      decoded.append(try Message(decoding: payload))
      return .proceed
    }
    try decoder.finish()
  } catch {
    throw Finding(message: "\(messages) do not come back: \(error)")
  }
  // Equal strings may differ in bytes; the stream made again does not.
  try requireEqual(decoded, messages, "decoded")
  var again: [UInt8] = []
  for message in decoded { message.appendFrame(to: &again) }
  try requireEqual(again, stream, "encoded again")
}

private func message(from fuzzed: inout FuzzedInput) -> Message {
  switch fuzzed.byte() & 7 {
  case 0: .requestForFastResponse
  case 1: .requestForSlowResponse(timeInSecondsToSleep: fuzzed.number())
  case 2: .requestForSlowResponse(timeInSecondsToSleep: UInt32(fuzzed.byte()))
  case 3: .slowResponse(connectedClientCount: fuzzed.number())
  case 4: .slowResponse(connectedClientCount: UInt32(fuzzed.byte()))
  case 5: .fastResponse(currentDateTime: text(Int(fuzzed.byte()), from: &fuzzed, times: 1))
  // Lengths around those of a longer varint are out of a short input's reach otherwise.
  case 6: .fastResponse(currentDateTime: text(Int(fuzzed.byte()), from: &fuzzed, times: 67))
  default: .fastResponse(currentDateTime: text(19, from: &fuzzed, times: 1))
  }
}

private func text(_ count: Int, from fuzzed: inout FuzzedInput, times: Int) -> String {
  String(repeating: String(decoding: fuzzed.bytes(count), as: UTF8.self), count: times)
}
