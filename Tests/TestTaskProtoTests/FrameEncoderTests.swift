import TestTaskProto
import Testing

@Suite("Frame encoder")
struct FrameEncoderTests {
  @Test("a payload comes back from the decoder", arguments: [0, 1, 127, 128, 16384, 65536])
  func roundTrip(length: Int) throws {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    var frame: [UInt8] = [0xEE]
    try FrameEncoder.append(payload: payload, to: &frame)
    var decoder = FrameDecoder()
    var payloads: [[UInt8]] = []
    _ = try decoder.decode(frame.span.bytes.extracting(1..<frame.count)) { payload in
      payloads.append(payload.withUnsafeBytes { [UInt8]($0) })
      return .proceed
    }
    #expect(payloads == [payload])
    #expect(frame[0] == 0xEE)
  }

  @Test("a payload over the receiver's limit is refused and nothing is written")
  func overLimit() throws {
    var output: [UInt8] = [1]
    #expect(throws: ProtocolViolation.Kind.frameTooLarge) {
      try FrameEncoder.append(payload: [UInt8](repeating: 0, count: 65537), to: &output)
    }
    #expect(throws: ProtocolViolation.Kind.frameTooLarge) {
      try FrameEncoder.append(payload: [1, 2], maximumFrameLength: 1, to: &output)
    }
    #expect(output == [1])
    try FrameEncoder.append(payload: [], maximumFrameLength: 0, to: &output)
    #expect(output == [1, 0])
  }
}
