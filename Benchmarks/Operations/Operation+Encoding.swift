internal import TestTaskProto

extension Operation {
  private static let text = "19851019T050107.333"

  static let encoding = [
    encode("fast", .fastResponse(currentDateTime: text)),
    encode("slow", .slowResponse(connectedClientCount: 3)),
    encodeByProtobuf("fast, by swift-protobuf", .fastResponse(currentDateTime: text)),
    encodeByProtobuf("slow, by swift-protobuf", .slowResponse(connectedClientCount: 3)),
  ]

  /// An answer as a frame, in a buffer that is reused.
  private static func encode(_ name: String, _ message: Message) -> Operation {
    repeating("encode/\(name)", on: { [UInt8]() }) { output, count in
      var sum = 0
      for _ in 0..<count {
        output.removeAll(keepingCapacity: true)
        message.appendFrame(to: &output)
        sum += output.count
      }
      return sum
    }
  }

  /// The same by the library, and framed as its users would.
  private static func encodeByProtobuf(_ name: String, _ message: Message) -> Operation {
    repeating("encode/\(name)", on: { [UInt8]() }) { output, count in
      var sum = 0
      for _ in 0..<count {
        output.removeAll(keepingCapacity: true)
        do {
          let payload = try message.serializedByProtobuf()
          output.append(UInt8(truncatingIfNeeded: payload.count))
          output.append(contentsOf: payload)
        } catch {
          preconditionFailure("\(error)")
        }
        sum += output.count
      }
      return sum
    }
  }
}
