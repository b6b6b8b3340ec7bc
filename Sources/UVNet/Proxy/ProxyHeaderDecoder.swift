/// Finds the header of the PROXY protocol at the beginning of a stream, version 1 or 2, strictly.
///
/// What is not exactly a header is refused as soon as that is certain. It holds no bytes itself, and no
/// header is longer than the bound, so that whoever keeps them until the header is whole keeps no more
/// than that.
///
/// ```swift
/// let decoder = ProxyHeaderDecoder()
/// switch try decoder.decode(bytes) {
/// case .frame(let header, let consumed):
///   print("client \(header.source?.description ?? "unknown"), \(consumed) bytes")
/// case .needs: print("not whole yet")
/// }
/// ```
///
/// Of a header without addresses, which is one with `LOCAL`, `UNKNOWN` or an unspecified family, all
/// that follows is skipped unseen, as the specification asks: a checksum there, too.
public struct ProxyHeaderDecoder: Decoding {
  /// The most bytes of a line of version 1, its end included (section 2.1 of the specification).
  public static let maximumTextLength = 107

  /// The most bytes of a header of version 2.
  public let maximumLength: Int

  /// Makes a decoder.
  ///
  /// - Parameter maximumLength: The most bytes of a header of version 2: 16 and what follows them,
  ///   16 … 65 551. Headers fit into 536 bytes, says the specification, but some proxies add
  ///   certificates.
  public init(maximumLength: Int = 4_096) {
    self.maximumLength = min(max(maximumLength, Self.fixedLength), Self.fixedLength + 65_535)
  }

  /// Bytes of version 2 up to and with its length.
  static let fixedLength = 16

  /// Looks for a header.
  ///
  /// - Parameter bytes: The stream from its beginning.
  /// - Returns: The header and its length, or that more bytes are needed.
  /// - Throws: Why it is no header.
  public func decode(_ bytes: RawSpan) throws(ProxyHeaderError) -> Decoded<ProxyHeader> {
    let textual = Self.textStart
    guard bytes.byteCount > 0 else { return .needMore }
    if bytes.byte(at: 0) == textual[0] { return try decodeText(bytes) }
    return try decodeBinary(bytes)
  }

  private static let textStart = Array("PROXY ".utf8)
  /// What no text begins with (section 2.2 of the specification).
  private static let binaryStart: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]

  /// Whether there is all of `start`; throws where the bytes differ from it.
  private func begins(
    _ bytes: RawSpan, with start: [UInt8]
  ) throws(ProxyHeaderError) -> Bool {
    for index in 0..<min(start.count, bytes.byteCount) where bytes.byte(at: index) != start[index] {
      throw .noHeader
    }
    return bytes.byteCount >= start.count
  }

  // MARK: Version 1

  private func decodeText(_ bytes: RawSpan) throws(ProxyHeaderError) -> Decoded<ProxyHeader> {
    let start = Self.textStart.count
    guard try begins(bytes, with: Self.textStart) else { return .needMore }
    let line = bytes.extracting(first: Self.maximumTextLength)
    let end = (start..<line.byteCount).first { index in
      line.byte(at: index) == UInt8(ascii: "\n") && line.byte(at: index - 1) == UInt8(ascii: "\r")
    }
    guard let end else {
      guard line.byteCount < Self.maximumTextLength else { throw .endlessLine }
      return .needMore
    }
    let text = String(decoding: line.extracting(start..<end - 1))
    return .frame(try ProxyHeader(line: text), consumed: end + 1)
  }

  // MARK: Version 2

  private func decodeBinary(_ bytes: RawSpan) throws(ProxyHeaderError) -> Decoded<ProxyHeader> {
    guard try begins(bytes, with: Self.binaryStart), bytes.byteCount >= Self.fixedLength else {
      return .needs(byteCount: Self.fixedLength)
    }
    let (version, command) = (bytes.byte(at: 12) >> 4, bytes.byte(at: 12) & 0xF)
    guard version == 2 else { throw .unknownVersion }
    guard command <= 1 else { throw .unknownCommand }
    let isLocal = command == 0
    guard let family = ProxyHeader.Family(rawValue: isLocal ? 0 : bytes.byte(at: 13)) else {
      throw .unknownFamily
    }
    let length = Self.fixedLength + Int(bytes.byte(at: 14)) << 8 + Int(bytes.byte(at: 15))
    guard length <= maximumLength else { throw .tooLong }
    guard bytes.byteCount >= length else { return .needs(byteCount: length) }
    let header = bytes.extracting(first: length)
    return .frame(try ProxyHeader(binary: header, isLocal, family), consumed: length)
  }
}
