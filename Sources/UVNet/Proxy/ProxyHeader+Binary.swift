extension ProxyHeader {
  /// The 14th byte of version 2: a family of addresses and a transport.
  enum Family: UInt8 {
    case unspecified = 0x00
    case tcpOverIPv4 = 0x11
    case udpOverIPv4 = 0x12
    case tcpOverIPv6 = 0x21
    case udpOverIPv6 = 0x22
    case unixStream = 0x31
    case unixDatagrams = 0x32

    /// Bytes that the addresses take, with their ports.
    var addressLength: Int {
      switch self {
      case .unspecified: 0
      case .tcpOverIPv4, .udpOverIPv4: 12
      case .tcpOverIPv6, .udpOverIPv6: 36
      case .unixStream, .unixDatagrams: 216
      }
    }

    var transport: Transport {
      switch self {
      case .unspecified: .unspecified
      case .tcpOverIPv4, .tcpOverIPv6, .unixStream: .stream
      case .udpOverIPv4, .udpOverIPv6, .unixDatagrams: .datagrams
      }
    }
  }

  /// Reads a whole header of version 2, whose first 16 bytes are known to be right.
  init(binary bytes: RawSpan, _ isLocal: Bool, _ family: Family) throws(ProxyHeaderError) {
    // Nobody knows how long the addresses are that are to be ignored.
    guard family != .unspecified else {
      self.init(version: 2, isLocal: isLocal)
      return
    }
    let start = ProxyHeaderDecoder.fixedLength
    guard bytes.byteCount >= start + family.addressLength else { throw .cutAddresses }
    let (source, destination) = try Self.ends(in: bytes, at: start, family)
    self.init(
      version: 2, transport: family.transport, source: source, destination: destination,
      extensions: try Self.extensions(in: bytes, from: start + family.addressLength))
  }

  private static func ends(
    in bytes: RawSpan, at start: Int, _ family: Family
  ) throws(ProxyHeaderError) -> (Endpoint, Endpoint) {
    switch family {
    case .unspecified: throw .unknownFamily
    case .tcpOverIPv4, .udpOverIPv4:
      func end(_ address: Int, _ port: Int) -> Endpoint {
        let bits: UInt32 = bytes.number(at: start + address)
        return endpoint(IPAddress(storage: .v4(bits)), bytes.number(at: start + port))
      }
      return (end(0, 8), end(4, 10))
    case .tcpOverIPv6, .udpOverIPv6:
      func end(_ address: Int, _ port: Int) -> Endpoint {
        let high: UInt64 = bytes.number(at: start + address)
        let low: UInt64 = bytes.number(at: start + address + 8)
        return endpoint(
          IPAddress(storage: .v6(high: high, low: low, scope: 0)), bytes.number(at: start + port))
      }
      return (end(0, 32), end(16, 34))
    case .unixStream, .unixDatagrams:
      return (
        try endpoint(unix: bytes.extracting(start..<start + 108)),
        try endpoint(unix: bytes.extracting(start + 108..<start + 216))
      )
    }
  }

  private static func endpoint(_ address: IPAddress, _ port: UInt16) -> Endpoint {
    Endpoint(SocketAddress(address, port: port))
  }

  /// A name is what comes before the first byte 0, or after it, if it begins with one; without a name
  /// all bytes are 0.
  private static func endpoint(unix bytes: RawSpan) throws(ProxyHeaderError) -> Endpoint {
    let name = [UInt8](bytes)
    let isAbstract = name[0] == 0
    let text = String(
      decoding: name.dropFirst(isAbstract ? 1 : 0).prefix { $0 != 0 }, as: UTF8.self)
    guard !text.isEmpty else { return Endpoint(unix: nil) }
    do throws(SocketAddressError) {
      return Endpoint(
        unix: isAbstract
          ? try UnixAddress(abstractName: text) : try UnixAddress(path: text))
    } catch {
      throw .malformedPath
    }
  }

  /// Reads the vectors of type, length and value, and checks the checksum if there is one.
  private static func extensions(
    in bytes: RawSpan, from start: Int
  ) throws(ProxyHeaderError) -> [Extension] {
    var extensions: [Extension] = []
    var checksum: Int?
    var position = start
    while position < bytes.byteCount {
      guard bytes.byteCount - position >= 3 else { throw .malformedExtension }
      let type = ExtensionType(rawValue: bytes.byte(at: position))
      let length = Int(bytes.number(at: position + 1) as UInt16)
      position += 3
      guard bytes.byteCount - position >= length else { throw .malformedExtension }
      switch type {
      case .checksum:
        guard length == 4, checksum == nil else { throw .malformedExtension }
        checksum = position
      case .padding: break
      default:
        extensions.append(Extension(type, [UInt8](bytes.extracting(position..<position + length))))
      }
      position += length
    }
    if let checksum {
      let expected = CRC32C.checksum(of: bytes, zeroing: checksum..<checksum + 4)
      guard bytes.number(at: checksum) == expected else { throw .wrongChecksum }
    }
    return extensions
  }
}

extension RawSpan {
  /// A number with its most significant byte first, as networks have it.
  fileprivate func number<Number: FixedWidthInteger>(at index: Int) -> Number {
    (0..<Number.bitWidth / 8).reduce(0) { $0 << 8 | Number(byte(at: index + $1)) }
  }
}
