import TestTaskProto

/// What a receiver makes of a whole stream, its end included.
struct Outcome: Equatable, Sendable {
  var messages: [Message] = []
  var violation: ProtocolViolation?

  init(messages: [Message] = [], violation: ProtocolViolation? = nil) {
    self.messages = messages
    self.violation = violation
  }

  /// Receives `stream` in pieces that end at `cuts`, which ascend, and at the stream's end.
  init(
    receiving stream: [UInt8], cutAt cuts: some Sequence<Int> = [],
    decodingBy decode: (RawSpan) throws(ProtocolViolation.Kind) -> Message =
      Message.init(decoding:)
  ) {
    var decoder = FrameDecoder()
    var start = 0
    do throws(ProtocolViolation) {
      for cut in cuts {
        try receive(stream.span.bytes.extracting(start..<cut), by: &decoder, decode)
        start = cut
      }
      try receive(stream.span.bytes.extracting(start..<stream.count), by: &decoder, decode)
      try decoder.finish()
    } catch {
      violation = error
    }
  }

  private mutating func receive(
    _ piece: RawSpan, by decoder: inout FrameDecoder,
    _ decode: (RawSpan) throws(ProtocolViolation.Kind) -> Message
  ) throws(ProtocolViolation) {
    _ = try decoder.decode(piece) { payload throws(ProtocolViolation.Kind) in
      messages.append(try decode(payload))
      return .proceed
    }
  }
}
