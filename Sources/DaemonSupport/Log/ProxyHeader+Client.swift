package import UVNet

extension ProxyHeader {
  /// The client as a log has it, `192.0.2.1:56324` or `unix:/run/server.sock`; `nil` where the proxy
  /// speaks for itself, or does not know.
  ///
  /// Of a path only what is plain ASCII stands as it is: the rest, blanks and quotes among it, is
  /// written as `%20`.
  package var client: String? {
    guard let source else { return nil }
    return source.socketAddress?.unmapped.description ?? Self.plain(source.description)
  }

  private static func plain(_ text: String) -> String {
    var plain = ""
    for byte in text.utf8 {
      switch UInt8(ascii: "!")...UInt8(ascii: "~") ~= byte && !"\"%=\\".utf8.contains(byte) {
      case true: plain.unicodeScalars.append(Unicode.Scalar(byte))
      case false:
        let digits = String(byte, radix: 16, uppercase: true)
        plain += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return plain
  }
}
