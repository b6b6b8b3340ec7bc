extension Target {
  /// Whether a text can be a name (RFC 1123 section 2.1).
  ///
  /// It has labels of letters, digits, hyphens and underscores with dots between them, up to 253 bytes
  /// in all. A dot may end it.
  ///
  /// A text whose last label is a number is no name: the system would take `127.1` and `0x7f.1` for
  /// 127.0.0.1.
  package static func isName(_ host: String) -> Bool {
    guard (1...253).contains(host.utf8.count) else { return false }
    var labels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
    guard let last = labels.last, !isNumber(String(Substring(last))) else { return false }
    return labels.allSatisfy { label in
      (1...63).contains(label.count) && label.first != UInt8(ascii: "-")
        && label.allSatisfy(mayStandInName)
    }
  }

  private static func isNumber(_ label: String) -> Bool {
    let lower = label.lowercased()
    if lower.hasPrefix("0x") { return lower.dropFirst(2).utf8.allSatisfy { isHexDigit($0) } }
    return label.utf8.allSatisfy { isDigit($0) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  private static func mayStandInName(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  /// Whether the host is a name, which the resolver turns into addresses.
  package var isName: Bool { !isUnixSocket && Self.isName(host) }
}
