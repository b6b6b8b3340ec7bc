/// Cuts a stream into messages: before each stands its length, two bytes (RFC 1035 section 4.2.2).
package struct Frames {
  private var bytes: [UInt8] = []

  package init() {}

  /// Takes bytes of the stream, and gives the messages that are complete.
  package mutating func append(_ more: some Sequence<UInt8>) -> [[UInt8]] {
    bytes += more
    var messages: [[UInt8]] = []
    var place = 0
    while bytes.count - place >= 2 {
      let length = Int(bytes[place]) << 8 | Int(bytes[place + 1])
      guard bytes.count - place - 2 >= length else { break }
      messages.append(Array(bytes[place + 2..<place + 2 + length]))
      place += 2 + length
    }
    bytes.removeFirst(place)
    return messages
  }

  /// A message with its length before it; `nil` for one that is too long for that.
  package static func frame(_ message: [UInt8]) -> [UInt8]? {
    guard let length = UInt16(exactly: message.count) else { return nil }
    return [UInt8(length >> 8), UInt8(truncatingIfNeeded: length)] + message
  }
}
