/// What a query asks, and what its answer has to repeat (RFC 1035 section 4.1.2).
package struct Question: Hashable, Sendable {
  /// The name as it is sent, length and bytes label by label, with small letters: DNS does not tell
  /// them from capitals (RFC 4343).
  package let name: [UInt8]
  /// What is asked for: 1 is an IPv4 address, 28 an IPv6 address.
  package let type: UInt16
  /// 1, the Internet.
  package let recordClass: UInt16

  /// Makes a question of a name with dots.
  ///
  /// `nil` for a label that is empty or longer than 63 bytes, and for a name longer than 255.
  package init?(_ name: String, type: UInt16) {
    var bytes: [UInt8] = []
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    for label in name == "." ? [] : labels.last?.isEmpty == true ? labels.dropLast() : labels[...] {
      guard (1...63).contains(label.count) else { return nil }
      bytes.append(UInt8(label.count))
      bytes += label.map(Self.small)
    }
    bytes.append(0)
    guard bytes.count <= 255 else { return nil }
    self.init(name: bytes, type: type, recordClass: 1)
  }

  init(name: [UInt8], type: UInt16, recordClass: UInt16) {
    self.name = name
    self.type = type
    self.recordClass = recordClass
  }

  static func small(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
