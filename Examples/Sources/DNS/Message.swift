/// A DNS message whose every part has been checked to lie within its bytes (RFC 1035 section 4).
///
/// The bytes stay as they are: a forwarder passes them on.
package struct Message: Sendable {
  /// The part of a message that a record is in.
  package enum Section: Sendable { case answer, authority, additional }

  /// Where in the bytes a record has what.
  package struct Record: Sendable {
    package let section: Section
    package let type: UInt16
    package let recordClass: UInt16
    package let timeToLive: UInt32
    package let timeToLiveOffset: Int
    package let data: Range<Int>
  }

  /// What is wrong with bytes that are no message.
  package enum Problem: Error, Equatable {
    /// Fewer bytes than a header has.
    case noHeader
    /// Not one question, but another number of them.
    case notOneQuestion
    /// A part that does not end within the bytes, or a name that cannot be.
    case malformed
  }

  /// Bytes of a header.
  package static let headerSize = 12
  /// The type of the record that carries EDNS, and no data of the zone (RFC 6891).
  package static let optionType: UInt16 = 41
  /// The type of the record whose last field says how long a "no" holds (RFC 2308).
  package static let startOfAuthorityType: UInt16 = 6

  package private(set) var bytes: [UInt8]
  package let question: Question
  /// The question in the bytes.
  package let questionRange: Range<Int>
  package let records: [Record]

  /// Reads a message.
  package init(_ bytes: [UInt8]) throws(Problem) {
    guard bytes.count >= Self.headerSize else { throw .noHeader }
    self.bytes = bytes
    var reader = Reader(bytes: bytes, place: 4)
    let counts = [try reader.word(), try reader.word(), try reader.word(), try reader.word()]
    guard counts[0] == 1 else { throw .notOneQuestion }
    let name = try reader.questionName()
    question = Question(name: name, type: try reader.word(), recordClass: try reader.word())
    questionRange = Self.headerSize..<reader.place
    var records: [Record] = []
    for (section, count) in zip([Section.answer, .authority, .additional], counts.dropFirst()) {
      for _ in 0..<count { records.append(try reader.record(section)) }
    }
    self.records = records
  }

  /// The number that an answer repeats.
  package var id: UInt16 {
    get { UInt16(bytes[0]) << 8 | UInt16(bytes[1]) }
    set { (bytes[0], bytes[1]) = (UInt8(newValue >> 8), UInt8(truncatingIfNeeded: newValue)) }
  }

  package var isResponse: Bool { bytes[2] & 0x80 != 0 }
  /// 0 for a query.
  package var operation: UInt8 { bytes[2] >> 3 & 0xf }
  /// Whether the answer was longer than a datagram could be.
  package var isTruncated: Bool { bytes[2] & 0x02 != 0 }
  /// 0 for an answer, 2 for a server that failed, 3 for a name that does not exist.
  package var responseCode: UInt8 { bytes[3] & 0xf }
  /// Whether whoever asks checks signatures itself (RFC 4035 section 3.2.2).
  package var checkingDisabled: Bool { bytes[3] & 0x10 != 0 }

  private var options: Record? { records.first { $0.type == Self.optionType } }
  /// Whether it has an EDNS record.
  package var hasOptions: Bool { options != nil }
  /// Whether signatures are wanted (RFC 3225).
  package var wantsSignatures: Bool { (options?.timeToLive ?? 0) & 0x8000 != 0 }
  /// The longest answer that whoever asks takes in a datagram; no less than 512 bytes.
  package var payloadLimit: Int { max(512, Int(options?.recordClass ?? 512)) }

  /// The same question in the same letters, with nothing of an answer: a server's "no".
  package func reply(code: UInt8, isTruncated: Bool = false) -> [UInt8] {
    var reply = Array(bytes[..<questionRange.upperBound])
    reply[2] = reply[2] & 0x79 | 0x80 | (isTruncated ? 0x02 : 0)
    reply[3] = 0x80 | code
    reply.replaceSubrange(6..<12, with: [0, 0, 0, 0, 0, hasOptions ? 1 : 0])
    if hasOptions { reply += Self.emptyOptions }
    return reply
  }

  /// An EDNS record that says: 1232 bytes fit into a datagram, and nothing else.
  package static let emptyOptions: [UInt8] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]

  /// The bytes for somebody who has asked `query`: with its number, and its question as it wrote it.
  ///
  /// - Parameters:
  ///   - query: What was asked.
  ///   - age: The seconds that the answer was kept in a cache; `nil` for one that has just come.
  /// - Returns: The bytes of the answer.
  package func addressed(to query: Message, age: UInt32? = nil) -> [UInt8] {
    var copy = self
    copy.id = query.id
    copy.bytes.replaceSubrange(questionRange, with: query.bytes[query.questionRange])
    guard let age else { return copy.bytes }
    // Whether recursion was wanted is repeated; what is out of a cache is not authoritative.
    copy.bytes[2] = copy.bytes[2] & 0xfa | query.bytes[2] & 0x01
    for record in records where record.type != Self.optionType {
      let left = record.timeToLive - min(age, record.timeToLive)
      for index in 0..<4 {
        let byte = UInt8(truncatingIfNeeded: left >> UInt32(24 - 8 * index))
        copy.bytes[record.timeToLiveOffset + index] = byte
      }
    }
    return copy.bytes
  }

  /// A number of the message's, at an offset that it has itself.
  func number(at offset: Int) -> UInt32 {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// Reads the parts of a message, each bounded by the message's end.
private struct Reader {
  let bytes: [UInt8]
  var place: Int

  mutating func byte() throws(Message.Problem) -> UInt8 {
    guard place < bytes.count else { throw .malformed }
    defer { place += 1 }
    return bytes[place]
  }

  mutating func word() throws(Message.Problem) -> UInt16 {
    UInt16(try byte()) << 8 | UInt16(try byte())
  }

  mutating func longWord() throws(Message.Problem) -> UInt32 {
    UInt32(try word()) << 16 | UInt32(try word())
  }

  /// A name that is written out: before the question there is nothing to point to.
  mutating func questionName() throws(Message.Problem) -> [UInt8] {
    var name: [UInt8] = []
    while true {
      let length = try byte()
      guard length < 64, name.count + Int(length) < 255 else { throw .malformed }
      name.append(length)
      if length == 0 { return name }
      for _ in 0..<length { name.append(Question.small(try byte())) }
    }
  }

  /// Passes over a name, which may end by pointing to another (RFC 1035 section 4.1.4).
  mutating func skipName() throws(Message.Problem) {
    while true {
      let length = try byte()
      switch length >> 6 {
      case 0 where length == 0: return
      case 0: place += Int(length)
      case 3:
        _ = try byte()
        return
      default: throw .malformed
      }
    }
  }

  mutating func record(_ section: Message.Section) throws(Message.Problem) -> Message.Record {
    try skipName()
    let (type, recordClass) = (try word(), try word())
    let offset = place
    let timeToLive = try longWord()
    let length = Int(try word())
    guard length <= bytes.count - place else { throw .malformed }
    defer { place += length }
    return Message.Record(
      section: section, type: type, recordClass: recordClass,
      // More than 31 bits are a mistake, and count as 0 (RFC 2181 section 8).
      timeToLive: type != Message.optionType && timeToLive > 0x7fff_ffff ? 0 : timeToLive,
      timeToLiveOffset: offset, data: place..<place + length)
  }
}
