import Foundation
import TestTaskProto
import Testing

/// One stream of vectors.json, with what a decoder must make of it.
struct Vector: Decodable, Sendable, CustomTestStringConvertible {
  enum End: String, Decodable {
    /// Nothing is left.
    case end
    /// More bytes are needed.
    case wait
    case violation
  }

  var name: String
  var bytes: [UInt8]
  var messages: [Message]
  var then: End
  var violation: ProtocolViolation?

  var testDescription: String { name }

  /// What comes of the stream, its end included, wherever it is cut.
  var outcome: Outcome {
    var expected = Outcome(messages: messages, violation: violation)
    // An empty stream ends at a frame's boundary: nothing is truncated.
    if then == .wait, !bytes.isEmpty {
      expected.violation = ProtocolViolation(kind: .truncated, offset: lastFrameOffset)
    }
    return expected
  }

  /// Where the incomplete frame of a `wait` stream begins: after its messages, which in such
  /// streams are all encoded canonically.
  private var lastFrameOffset: UInt64 {
    var whole: [UInt8] = []
    for message in messages { message.appendFrame(to: &whole) }
    return UInt64(whole.count)
  }

  static let all: [Vector] = {
    do {
      let url = try #require(Bundle.module.url(forResource: "vectors", withExtension: "json"))
      return try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).vectors
    } catch {
      Issue.record("vectors.json: \(error)")
      return []
    }
  }()

  private struct File: Decodable {
    var vectors: [Vector]
  }
}

extension Vector {
  private enum Key: String, CodingKey {
    case name, stream, messages, then, kind, offset
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    name = try fields.decode(String.self, forKey: .name)
    bytes = try [UInt8](hex: fields.decode(String.self, forKey: .stream))
    messages = try fields.decode([MessageDescription].self, forKey: .messages).map(\.message)
    then = try fields.decode(End.self, forKey: .then)
    if then == .violation {
      let kind = try fields.decode(String.self, forKey: .kind)
      violation = ProtocolViolation(
        kind: try #require(ProtocolViolation.Kind(rawValue: kind)),
        offset: try fields.decode(UInt64.self, forKey: .offset))
    }
  }
}

/// A message as vectors.json writes it: an object whose one key is the wrapper's field.
private struct MessageDescription: Decodable {
  struct Fields: Decodable {
    var currentDateTime: String?
    var connectedClientCount: UInt32?
    var timeInSecondsToSleep: UInt32?
  }

  var message: Message

  init(from decoder: any Decoder) throws {
    let object = try decoder.singleValueContainer().decode([String: Fields].self)
    let (field, content) = try #require(object.first)
    switch field {
    case "fastResponse":
      message = .fastResponse(currentDateTime: try #require(content.currentDateTime))
    case "slowResponse":
      message = .slowResponse(connectedClientCount: try #require(content.connectedClientCount))
    case "requestForFastResponse":
      message = .requestForFastResponse
    case "requestForSlowResponse":
      message = .requestForSlowResponse(
        timeInSecondsToSleep: try #require(content.timeInSecondsToSleep))
    default:
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "unknown message \(field)"))
    }
  }
}
