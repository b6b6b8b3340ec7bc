/// The arguments that the program was started with, as bytes.
package enum ProgramArguments {
  /// The first argument that is not UTF-8, with its invalid bytes as `\xF6`; nil if all are UTF-8.
  ///
  /// Swift's strings replace such bytes, so that a path would name another file. A program that reads
  /// arguments as text has to refuse them first.
  package static var firstThatIsNoText: String? {
    for index in 0..<Int(CommandLine.argc) {
      guard let start = unsafe CommandLine.unsafeArgv[index] else { continue }
      let bytes = unsafe Array(
        UnsafeBufferPointer(start: start, count: unsafe length(start)))
      if let shown = description(ofNoText: bytes.map(UInt8.init(bitPattern:))) { return shown }
    }
    return nil
  }

  /// Bytes that are not UTF-8, escaped; nil for valid UTF-8.
  static func description(ofNoText bytes: [UInt8]) -> String? {
    guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
    return bytes.map { byte in
      0x20..<0x7F ~= byte
        ? String(Unicode.Scalar(byte))
        : "\\x" + String(Int(byte) + 0x100, radix: 16, uppercase: true).dropFirst()
    }.joined()
  }

  private static func length(_ text: UnsafePointer<CChar>) -> Int {
    var count = 0
    while unsafe text[count] != 0 { count += 1 }
    return count
  }
}
