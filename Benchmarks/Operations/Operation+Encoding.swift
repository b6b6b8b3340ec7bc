internal import SwiftProtobuf
internal import TestTaskProto

extension Operation {
  private static let text = "19851019T050107.333"

  static let encoding = [
    encode("fast", .fastResponse(currentDateTime: text)),
    encode("slow", .slowResponse(connectedClientCount: 3)),
    encodeByProtobuf("fast, by swift-protobuf") { message, _ in
      message.fastResponse.currentDateTime = text
    },
    encodeByProtobuf("slow, by swift-protobuf") { message, number in
      message.slowResponse.connectedClientCount = number
    },
  ]

  /// An answer as a frame, in a buffer that is reused.
  private static func encode(_ name: String, _ message: TestTaskProto.Message) -> Operation {
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
  private static func encodeByProtobuf(
    _ name: String,
    _ fill: @escaping @Sendable (inout TestTask_Messages_WrapperMessage, UInt32) -> Void
  ) -> Operation {
    repeating("encode/\(name)", on: { [UInt8]() }) { output, count in
      var sum = 0
      for _ in 0..<count {
        output.removeAll(keepingCapacity: true)
        var message = TestTask_Messages_WrapperMessage()
        fill(&message, 3)
        do {
          let payload: [UInt8] = try message.serializedBytes()
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
