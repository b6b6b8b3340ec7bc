internal import TestTaskProto

/// A stream gives what a plain reading of the rules and swift-protobuf give, wherever it is cut and
/// however often the receiver stops.
///
/// The first byte chooses the limit, the second how the stream is cut.
func checkFrames(_ input: [UInt8]) throws(Finding) {
  var fuzzed = FuzzedInput(input)
  let limit = [65536, 65536, 16, 0, Int(UInt32.max), 127, 128, 300][Int(fuzzed.byte() & 7)]
  let cut = fuzzed.byte()
  let stream = fuzzed.remainder()
  let expected = Received(byTheRules: stream, limit: limit)
  try requireEqual(Received(stream, limit: limit, cut: 0), expected, "whole")
  try requireEqual(Received(stream, limit: limit, cut: cut), expected, "cut by \(cut)")
  // Sizes of 1, 1, 1: byte by byte, and stopped after every message.
  let single = Received(stream, limit: limit, cut: nil, stopsEachTime: true)
  try requireEqual(single, expected, "byte by byte")
  let stopped = Received(stream, limit: limit, cut: 0, stopsEachTime: true)
  try requireEqual(stopped, expected, "stopped each time")
}

/// What came of a stream, its end included.
private struct Received: Equatable {
  var messages: [Message] = []
  var violation: ProtocolViolation?

  /// Through the decoder under test; `cut` nil is byte by byte.
  init(_ stream: [UInt8], limit: Int, cut: UInt8?, stopsEachTime: Bool = false) {
    var decoder = FrameDecoder(maximumFrameLength: limit)
    let pieces =
      cut.map { cutUp(stream, by: $0) } ?? stream.indices.map { stream[$0...$0] }
    do throws(ProtocolViolation) {
      for piece in pieces {
        var rest = Array(piece)
        repeat {
          let consumed = try decoder.decode(rest.span.bytes) {
            payload throws(ProtocolViolation.Kind) in
            messages.append(try Message(decoding: payload))
            return stopsEachTime ? .stop : .proceed
          }
          rest.removeFirst(consumed)
        } while !rest.isEmpty
      }
      try decoder.finish()
    } catch {
      violation = error
    }
  }

  /// As the rules have it (P1, P5, P6), with no thought of speed.
  init(byTheRules stream: [UInt8], limit: Int) {
    var offset = 0
    do throws(ProtocolViolation.Kind) {
      while offset < stream.count {
        let frame = try Self.firstFrame(of: stream[offset...], limit: limit)
        let payload = Array(frame.payload)
        messages.append(try Message(decodingByProtobuf: payload.span.bytes))
        offset += frame.byteCount
      }
    } catch {
      violation = ProtocolViolation(kind: error, offset: UInt64(offset))
    }
  }

  private static func firstFrame(
    of stream: ArraySlice<UInt8>, limit: Int
  ) throws(ProtocolViolation.Kind) -> (payload: ArraySlice<UInt8>, byteCount: Int) {
    var length: UInt64 = 0
    var prefix = 0
    for byte in stream.prefix(5) {
      if prefix == 4, byte > 0x0F { throw .malformedLength }
      length |= UInt64(byte & 0x7F) << UInt64(7 * prefix)
      prefix += 1
      guard byte < 0x80 else { continue }
      guard length <= UInt64(limit) else { throw .frameTooLarge }
      let payload = stream.dropFirst(prefix).prefix(Int(length))
      guard payload.count == Int(length) else { throw .truncated }
      return (payload, prefix + Int(length))
    }
    throw .truncated
  }
}
