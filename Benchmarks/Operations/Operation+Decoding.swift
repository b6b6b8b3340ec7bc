internal import TestTaskProto

extension Operation {
  private static let fastRequest: [UInt8] = [0x02, 0x1A, 0x00]
  private static let slowRequest: [UInt8] = [0x04, 0x22, 0x02, 0x08, 0x05]

  static let decoding = [
    decode("fast", [fastRequest]),
    decode("32 fast", [(0..<32).flatMap { _ in fastRequest }]),
    count("fast, counted", fastRequest),
    count("32 fast, counted", (0..<32).flatMap { _ in fastRequest }),
    decode("slow", [slowRequest]),
    decode("slow, cut in two", [Array(slowRequest[..<3]), Array(slowRequest[3...])]),
    decodeByProtobuf("fast, by swift-protobuf", fastRequest),
    decodeByProtobuf("slow, by swift-protobuf", slowRequest),
  ]

  /// What a server does with what one or more reads brought.
  private static func decode(_ name: String, _ reads: [[UInt8]]) -> Operation {
    repeating("decode/\(name)", on: { FrameDecoder() }) { decoder, count in
      var sum = 0
      for _ in 0..<count {
        for read in reads { sum += decode(read, with: &decoder) }
      }
      return sum
    }
  }

  /// The server's way with a read of nothing but fast requests.
  private static func count(_ name: String, _ read: [UInt8]) -> Operation {
    repeating("decode/\(name)", on: { FrameDecoder() }) { decoder, count in
      var sum = 0
      for _ in 0..<count where decoder.isBetweenFrames {
        let requests = Message.fastRequests(leading: read.span.bytes, atMost: 1_000)
        decoder.skip(requests * Message.fastRequestByteCount)
        sum += requests
      }
      return sum
    }
  }

  /// Decodes one read, and gives a sum of what it said.
  private static func decode(_ read: [UInt8], with decoder: inout FrameDecoder) -> Int {
    var sum = 0
    do throws(ProtocolViolation) {
      _ = try decoder.decode(read.span.bytes) {
        payload throws(ProtocolViolation.Kind) -> FrameDecoder.Flow in
        switch try Message(decoding: payload) {
        case .requestForFastResponse: sum += 1
        case .requestForSlowResponse(let seconds): sum += Int(seconds)
        case .fastResponse, .slowResponse: sum -= 1
        }
        return .proceed
      }
    } catch {
      preconditionFailure("\(error)")
    }
    return sum
  }

  /// The same by the library alone, for comparison; without its prefix a frame is a payload.
  private static func decodeByProtobuf(_ name: String, _ frame: [UInt8]) -> Operation {
    Operation(name: "decode/\(name)") {
      let payload = Array(frame[1...])
      return { count in
        var sum = 0
        for _ in 0..<count {
          do {
            switch try Message(decodingByProtobuf: payload.span.bytes) {
            case .requestForFastResponse: sum += 1
            case .requestForSlowResponse(let seconds): sum += Int(seconds)
            case .fastResponse, .slowResponse: sum -= 1
            }
          } catch {
            preconditionFailure("\(error)")
          }
        }
        return sum
      }
    }
  }
}
