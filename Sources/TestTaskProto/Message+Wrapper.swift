extension Message {
  /// Decodes any payload by protobuf's rules, in one pass over its bytes.
  ///
  /// swift-protobuf is the reference, and tests compare the two. It is not used here because a peer chooses
  /// how many fields a payload has, and swift-protobuf makes a message for each: 32 000 times `1a 00` in one
  /// frame took it 6 ms.
  package init(decodingWrapper payload: RawSpan) throws(ProtocolViolation.Kind) {
    var wrapper = WrapperFields()
    var reader = FieldReader(end: payload.byteCount)
    while let field = try reader.nextField(in: payload) {
      switch (field.number, field.type) {
      case (1, .lengthDelimited):
        wrapper.hasFastResponse = true
        let length = try reader.length(in: payload)
        try reader.readText(in: payload, length: length, into: &wrapper.text)
      case (2, .lengthDelimited):
        wrapper.hasSlowResponse = true
        let length = try reader.length(in: payload)
        try reader.readNumber(in: payload, length: length, into: &wrapper.count)
      case (3, .lengthDelimited):
        wrapper.hasFastRequest = true
        let length = try reader.length(in: payload)
        try reader.skipContent(in: payload, length: length)
      case (4, .lengthDelimited):
        wrapper.hasSlowRequest = true
        let length = try reader.length(in: payload)
        try reader.readNumber(in: payload, length: length, into: &wrapper.seconds)
      default:
        try reader.skip(field, in: payload)
      }
    }
    self = try wrapper.message()
  }
}

/// What a wrapper's fields said so far: of a field that comes twice the last wins (P6).
private struct WrapperFields {
  var hasFastResponse = false
  var hasSlowResponse = false
  var hasFastRequest = false
  var hasSlowRequest = false
  var text: String?
  var count: UInt32?
  var seconds: UInt32?

  /// The one message; a missing required field takes precedence over every rule about the wrapper
  /// (P6).
  func message() throws(ProtocolViolation.Kind) -> Message {
    if hasFastResponse && text == nil || hasSlowResponse && count == nil
      || hasSlowRequest && seconds == nil
    {
      throw .malformedMessage
    }
    let number = [hasFastResponse, hasSlowResponse, hasFastRequest, hasSlowRequest].count { $0 }
    guard number == 1 else { throw number == 0 ? .noField : .severalFields }
    if let text { return .fastResponse(currentDateTime: text) }
    if let count { return .slowResponse(connectedClientCount: count) }
    if let seconds { return .requestForSlowResponse(timeInSecondsToSleep: seconds) }
    return .requestForFastResponse
  }
}

/// Protobuf's wire types, by the number in a tag.
private enum WireType: UInt8 {
  case varint = 0
  case fixed64 = 1
  case lengthDelimited = 2
  case startGroup = 3
  case endGroup = 4
  case fixed32 = 5
}

/// A position in a message, and in the messages and groups around it.
private struct FieldReader {
  struct Field {
    var number: UInt32
    var type: WireType
  }

  private var position = 0
  /// Where the message ends that is being read.
  private var end: Int
  /// Messages and groups that may still be opened inside: protobuf allows 100, the wrapper being one.
  private var depthLeft = 99

  init(end: Int) { self.end = end }

  // MARK: Fields

  /// The next field's tag, or nil at the end of the message.
  mutating func nextField(in bytes: RawSpan) throws(ProtocolViolation.Kind) -> Field? {
    guard position < end else { return nil }
    let start = position
    let field = try tag(in: bytes)
    // A tag of a field of a message has five bytes at most, and ends no group.
    guard position - start <= 5, field.type != .endGroup else { throw .malformedMessage }
    return field
  }

  private mutating func tag(in bytes: RawSpan) throws(ProtocolViolation.Kind) -> Field {
    let value = try varint(in: bytes)
    guard value < UInt64(UInt32.max), value >= 8,
      let type = WireType(rawValue: UInt8(truncatingIfNeeded: value & 7))
    else { throw .malformedMessage }
    return Field(number: UInt32(truncatingIfNeeded: value >> 3), type: type)
  }

  /// The length of content that lies within the message.
  mutating func length(in bytes: RawSpan) throws(ProtocolViolation.Kind) -> Int {
    let length = try varint(in: bytes)
    guard length <= UInt64(end - position) else { throw .malformedMessage }
    return Int(length)
  }

  private mutating func varint(in bytes: RawSpan) throws(ProtocolViolation.Kind) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    // At most ten bytes; bits beyond 64 are dropped.
    while position < end, shift <= 63 {
      let byte = bytes.byte(at: position)
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw .malformedMessage
  }

  // MARK: Contents

  /// Reads a message whose field 1 is a number.
  mutating func readNumber(
    in bytes: RawSpan, length: Int, into number: inout UInt32?
  ) throws(ProtocolViolation.Kind) {
    let outer = try enter(length)
    while let field = try nextField(in: bytes) {
      if field.number == 1, field.type == .varint {
        number = UInt32(truncatingIfNeeded: try varint(in: bytes))
      } else {
        try skip(field, in: bytes)
      }
    }
    leave(to: outer)
  }

  /// Reads a message whose field 1 is a text.
  mutating func readText(
    in bytes: RawSpan, length: Int, into text: inout String?
  ) throws(ProtocolViolation.Kind) {
    let outer = try enter(length)
    while let field = try nextField(in: bytes) {
      guard field.number == 1, field.type == .lengthDelimited else {
        try skip(field, in: bytes)
        continue
      }
      let length = try self.length(in: bytes)
      let content = bytes.extracting(position..<position + length)
      position += length
      let checked = unsafe content.withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
      guard let valid = checked else {
        throw .malformedMessage
      }
      text = valid
    }
    leave(to: outer)
  }

  /// Skips a message without fields of its own, which must still be well formed.
  mutating func skipContent(in bytes: RawSpan, length: Int) throws(ProtocolViolation.Kind) {
    let outer = try enter(length)
    while let field = try nextField(in: bytes) { try skip(field, in: bytes) }
    leave(to: outer)
  }

  private mutating func enter(_ length: Int) throws(ProtocolViolation.Kind) -> Int {
    let outer = end
    end = position + length
    depthLeft -= 1
    return outer
  }

  private mutating func leave(to outer: Int) {
    end = outer
    depthLeft += 1
  }

  // MARK: Unknown fields

  /// Skips a field whose tag was read.
  mutating func skip(_ field: Field, in bytes: RawSpan) throws(ProtocolViolation.Kind) {
    switch field.type {
    case .varint: _ = try varint(in: bytes)
    case .fixed64: try skip(8)
    case .fixed32: try skip(4)
    case .lengthDelimited: position += try length(in: bytes)
    case .startGroup: try skipGroup(field.number, in: bytes)
    case .endGroup: throw .malformedMessage
    }
  }

  private mutating func skip(_ count: Int) throws(ProtocolViolation.Kind) {
    guard count <= end - position else { throw .malformedMessage }
    position += count
  }

  /// Skips a group up to its end tag, with the groups in it.
  private mutating func skipGroup(
    _ number: UInt32, in bytes: RawSpan
  ) throws(ProtocolViolation.Kind) {
    depthLeft -= 1
    guard depthLeft >= 0 else { throw .malformedMessage }
    while true {
      let field = try tag(in: bytes)
      if field.type == .endGroup {
        guard field.number == number else { throw .malformedMessage }
        depthLeft += 1
        return
      }
      try skip(field, in: bytes)
    }
  }
}
