import UVNet

/// A value of Redis' protocol, RESP2 (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
indirect enum RESPValue: CustomStringConvertible {
  case simple(String)
  case error(String)
  case integer(Int)
  case bulk([UInt8])
  case array([RESPValue])
  case null

  /// As redis-cli prints it, for text without characters that it escapes.
  var description: String { text(indentation: "") }

  private func text(indentation: String) -> String {
    switch self {
    case .simple(let text): return text
    case .error(let text): return "(error) \(text)"
    case .integer(let number): return "(integer) \(number)"
    case .bulk(let bytes): return "\"\(String(decoding: bytes, as: UTF8.self))\""
    case .null: return "(nil)"
    case .array(let values) where values.isEmpty: return "(empty array)"
    case .array(let values):
      let width = String(values.count).count
      return values.enumerated().map { index, value in
        let number = String(index + 1)
        let padded = String(repeating: " ", count: width - number.count) + number + ") "
        let inner = indentation + String(repeating: " ", count: padded.count)
        return (index == 0 ? "" : indentation) + padded + value.text(indentation: inner)
      }.joined(separator: "\n")
    }
  }
}

/// Takes bytes as they come, however they were cut, and gives whole values.
struct RESPDecoder {
  struct Malformed: Error {
    let reason: String
  }

  /// What a server may make this program hold, and how deep arrays may lie in each other.
  static let largestValue = 64 << 20
  static let deepestArray = 16

  private var buffer: [UInt8] = []
  /// How far the buffer has been used.
  private var start = 0

  mutating func append(_ bytes: RawSpan) { buffer += [UInt8](bytes) }

  /// The next whole value; `nil` when more bytes are needed.
  mutating func next() throws(Malformed) -> RESPValue? {
    var position = start
    guard let value = try value(at: &position, depth: 0) else {
      guard buffer.count - start <= Self.largestValue else { throw Malformed(reason: "too large") }
      return nil
    }
    start = position
    if start == buffer.count || start > 65_536 {
      buffer.removeFirst(start)
      start = 0
    }
    return value
  }

  private func value(at position: inout Int, depth: Int) throws(Malformed) -> RESPValue? {
    guard depth <= Self.deepestArray else { throw Malformed(reason: "too deep") }
    guard let line = try line(at: &position) else { return nil }
    let rest = line.dropFirst()
    switch line.first {
    case UInt8(ascii: "+"): return .simple(String(decoding: rest, as: UTF8.self))
    case UInt8(ascii: "-"): return .error(String(decoding: rest, as: UTF8.self))
    case UInt8(ascii: ":"): return .integer(try number(rest))
    case UInt8(ascii: "$"):
      let count = try number(rest)
      guard count >= 0 else { return .null }
      guard count <= Self.largestValue else { throw Malformed(reason: "too large") }
      guard buffer.count - position >= count + 2 else { return nil }
      let bytes = Array(buffer[position..<position + count])
      guard buffer[position + count] == 13, buffer[position + count + 1] == 10 else {
        throw Malformed(reason: "no end of a string")
      }
      position += count + 2
      return .bulk(bytes)
    case UInt8(ascii: "*"):
      let count = try number(rest)
      guard count >= 0 else { return .null }
      var values: [RESPValue] = []
      for _ in 0..<count {
        guard let value = try value(at: &position, depth: depth + 1) else { return nil }
        values.append(value)
      }
      return .array(values)
    default: throw Malformed(reason: "an unknown type")
    }
  }

  private func line(at position: inout Int) throws(Malformed) -> ArraySlice<UInt8>? {
    guard let end = buffer[position...].firstIndex(of: 10) else { return nil }
    guard end > position, buffer[end - 1] == 13 else { throw Malformed(reason: "no end of a line") }
    defer { position = end + 1 }
    return buffer[position..<end - 1]
  }

  private func number(_ digits: ArraySlice<UInt8>) throws(Malformed) -> Int {
    guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
      throw Malformed(reason: "not a number")
    }
    return number
  }
}
