import TestTaskProto
import Testing

@Suite("Messages")
struct MessageTests {
  private static let numbers: [UInt32] = [
    0, 1, 127, 128, 16383, 16384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, .max,
  ]
  private static let texts = [
    "", "0", "19851019T050107.333", "время", "\u{0}", "e\u{301}", "𝄞",
    String(repeating: "x", count: 125), String(repeating: "x", count: 126),
    String(repeating: "x", count: 127), String(repeating: "x", count: 128),
    String(repeating: "é", count: 10000), String(repeating: "z", count: 65528),
  ]
  static let samples: [Message] =
    [.requestForFastResponse]
    + numbers.map { .requestForSlowResponse(timeInSecondsToSleep: $0) }
    + numbers.map { .slowResponse(connectedClientCount: $0) }
    + texts.map { .fastResponse(currentDateTime: $0) }

  @Test("a message is encoded as protobuf does it")
  func encoding() throws {
    for message in Self.samples {
      var expected: [UInt8] = [0xEE]
      try FrameEncoder.append(payload: try message.serializedByProtobuf(), to: &expected)
      var frame: [UInt8] = [0xEE]
      message.appendFrame(to: &frame)
      #expect(frame == expected)
    }
  }

  @Test("a message comes back from its frame")
  func roundTrip() {
    for message in Self.samples {
      var frame: [UInt8] = []
      message.appendFrame(to: &frame)
      #expect(Outcome(receiving: frame) == Outcome(messages: [message]))
    }
  }

  @Test("a text that a slice of another string gives is encoded the same")
  func foreignText() {
    var frame: [UInt8] = []
    Message.fastResponse(currentDateTime: String("<время>".dropFirst().dropLast()))
      .appendFrame(to: &frame)
    #expect(frame.hex == "0e0a0c0a0ad0b2d180d0b5d0bcd18f")
  }

  @Test(
    "the examples of the protocol are encoded byte for byte",
    arguments: [
      (.requestForFastResponse, "021a00"),
      (.requestForSlowResponse(timeInSecondsToSleep: 5), "0422020805"),
      (
        .fastResponse(currentDateTime: "19851019T050107.333"),
        "170a150a13" + "31393835313031395430353031303" + "72e333333"
      ),
      (.slowResponse(connectedClientCount: 3), "0412020803"),
    ] as [(Message, String)])
  func examples(_ message: Message, _ hex: String) {
    var frame: [UInt8] = []
    message.appendFrame(to: &frame)
    #expect(frame.hex == hex)
  }

  @Test("what canonical senders make takes the direct path")
  func directPath() throws {
    for message in Self.samples {
      let payload = try message.serializedByProtobuf()
      let direct = Message(decodingCanonical: payload.span.bytes)
      #expect(direct == (payload.count < 130 ? message : nil))
    }
  }

  @Test("requests are for a server, responses are not")
  func direction() {
    #expect(Message.requestForFastResponse.isRequest)
    #expect(Message.requestForSlowResponse(timeInSecondsToSleep: 0).isRequest)
    #expect(!Message.fastResponse(currentDateTime: "").isRequest)
    #expect(!Message.slowResponse(connectedClientCount: 0).isRequest)
  }

  @Test(
    "a payload that protobuf rejects is malformed whatever fields it seems to have",
    arguments: [
      ("two fields, then garbage", "1a0022020801ff"),
      ("two fields, one without its required field", "1a002200"),
      ("no known field, then a truncated one", "280528"),
      ("a response without its required field", "1200"),
      ("a wrong wire type inside", "12050d01000000"),
      ("a text cut short", "0a030a0531"),
      ("a surrogate half in the text", "0a050a03eda080"),
      ("an overlong NUL in the text", "0a040a02c080"),
      ("bad UTF-8 that a later field replaces", "0a030a01ff0a030a0130"),
    ])
  func malformed(_ name: String, _ hex: String) throws {
    try expect(.malformedMessage, of: [UInt8](hex: hex))
  }

  @Test("nesting is legal up to protobuf's limit and malformed beyond")
  func nesting() throws {
    func groups(_ depth: Int) -> [UInt8] {
      [UInt8](repeating: 0x2B, count: depth) + [UInt8](repeating: 0x2C, count: depth) + [0x1A, 0]
    }
    let shallow = groups(50)
    #expect(try Message(decoding: shallow.span.bytes) == .requestForFastResponse)
    try expect(.malformedMessage, of: groups(101))
    try expect(.malformedMessage, of: groups(30000))
  }

  @Test("not exactly one field is a violation", arguments: ["", "2805", "1800", "0d01020304"])
  func noField(_ hex: String) throws {
    try expect(.noField, of: [UInt8](hex: hex))
  }

  @Test(
    "two fields or more are a violation",
    arguments: ["1a0022020801", "0a020a0012020800", "1a001a0022020801", "120208001a0022020801"])
  func severalFields(_ hex: String) throws {
    try expect(.severalFields, of: [UInt8](hex: hex))
  }

  private func expect(
    _ kind: ProtocolViolation.Kind, of payload: [UInt8],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(throws: kind, sourceLocation: sourceLocation) {
      _ = try Message(decoding: payload.span.bytes)
    }
    #expect(throws: kind, sourceLocation: sourceLocation) {
      _ = try Message(decodingByProtobuf: payload.span.bytes)
    }
  }

  @Test("a violation says its kind and offset")
  func description() {
    let violation = ProtocolViolation(kind: .malformedMessage, offset: 3)
    #expect("\(violation)" == "malformedMessage at byte 3")
  }
}
