import Foundation
import TestTaskProto

/// Decodes a payload once and knows it when it comes again.
///
/// Without optimisation protobuf takes milliseconds for a long text, which are too many for each
/// of the 16 000 places where its stream can be cut.
struct RememberingDecoder {
  private var payload: [UInt8] = []
  private var message: Message?

  mutating func decode(_ bytes: RawSpan) throws(ProtocolViolation.Kind) -> Message {
    if let message, isRemembered(bytes) { return message }
    let message = try Message(decoding: bytes)
    payload = bytes.withUnsafeBytes { [UInt8]($0) }
    self.message = message
    return message
  }

  private func isRemembered(_ bytes: RawSpan) -> Bool {
    guard bytes.byteCount == payload.count else { return false }
    return bytes.withUnsafeBytes { left in
      payload.withUnsafeBytes { right in
        guard let left = left.baseAddress, let right = right.baseAddress else { return true }
        return memcmp(left, right, payload.count) == 0
      }
    }
  }
}
