import Testing
import UVNetTestKit

@testable import UVNet

/// Bytes of headers of version 2, put together by what the specification says.
struct BinaryHeader {
  static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

  var command: UInt8 = 0x21
  var family: UInt8 = 0x11
  var block: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 7, 0xDC, 0x04, 0x63, 0xD3]
  var vectors: [UInt8] = []
  /// In the place of the real length.
  var length: Int?

  var bytes: [UInt8] {
    let length = length ?? block.count + vectors.count
    return Self.signature + [command, family, UInt8(length >> 8), UInt8(length & 255)] + block
      + vectors
  }

  static func vector(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
    [type, UInt8(value.count >> 8), UInt8(value.count & 255)] + value
  }

  static func path(_ name: [UInt8]) -> [UInt8] {
    name + [UInt8](repeating: 0, count: 108 - name.count)
  }
}

@Suite struct ProxyHeaderTests {
  private let headers = DecoderVerifier { ProxyHeaderDecoder() }

  private func end(_ text: String) throws -> ProxyHeader.Endpoint {
    ProxyHeader.Endpoint(try SocketAddress(parsing: text, allowPortZero: true))
  }

  @Test(arguments: [
    ("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25555\r\n", "192.0.2.1:56324", "198.51.100.7:25555"),
    ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0", "255.255.255.255:65535"),
    ("PROXY TCP6 2001:db8::1 2001:DB8::2 1 2\r\n", "[2001:db8::1]:1", "[2001:db8::2]:2"),
    ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "[::ffff:192.0.2.1]:1", "[::1]:2"),
    (
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 1:2:3:4:5:6:7:8 65535 65535\r\n",
      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[1:2:3:4:5:6:7:8]:65535"
    ),
  ])
  func `a line of version 1 tells both ends, however it comes`(
    line: String, source: String, destination: String
  ) throws {
    let header = ProxyHeader(
      version: 1, transport: .stream, source: try end(source), destination: try end(destination))
    try headers.verify(line, gives: [header])
    // A second header is none, but that is for the program to say.
    try headers.verify(line + line, gives: [header, header])
  }

  @Test func `what follows UNKNOWN is ignored up to the end of the line`() throws {
    let unknown = ProxyHeader(version: 1)
    for rest in ["", " ", " ffff:: 1 2 3", " a\rb\nc", " \u{E9}"] {
      try headers.verify("PROXY UNKNOWN\(rest)\r\n", gives: [unknown])
    }
    let longest = "PROXY UNKNOWN " + String(repeating: "x", count: 107 - 16) + "\r\n"
    #expect(longest.utf8.count == ProxyHeaderDecoder.maximumTextLength)
    try headers.verify(longest, gives: [unknown])
  }

  @Test(arguments: [
    ("PROXX", ProxyHeaderError.noHeader), ("GET / HTTP/1.1\r\n", .noHeader),
    ("\u{2}\u{1A}\u{0}", .noHeader),
    ("PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n", .noHeader), ("\r\n\r\n\u{0}\r\nQUIX\n", .noHeader),
    ("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", .noHeader),
    ("PROXY \r\n", .malformedLine), ("PROXY UNKNOWNX\r\n", .malformedLine),
    ("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", .malformedLine),
    ("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", .malformedLine),
    ("PROXY TCP4\r\n", .malformedLine), ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", .malformedLine),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", .malformedLine),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", .malformedLine),
    ("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", .malformedLine),
    ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", .malformedLine),
    ("PROXY TCP4 1.2.3.4 1.2.3.4  1 2\r\n", .malformedLine),
    ("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", .malformedAddress),
    ("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", .malformedAddress),
    ("PROXY TCP4 ::1 1.2.3.4 1 2\r\n", .malformedAddress),
    ("PROXY TCP6 1.2.3.4 ::1 1 2\r\n", .malformedAddress),
    ("PROXY TCP6 fe80::1%1 ::1 1 2\r\n", .malformedAddress),
    ("PROXY TCP6 1::2::3 ::1 1 2\r\n", .malformedAddress),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", .malformedPort),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", .malformedPort),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 00 2\r\n", .malformedPort),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", .malformedPort),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n", .malformedPort),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n", .malformedPort),
    ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", .malformedPort),
    ("PROXY UNKNOWN " + String(repeating: "x", count: 200), .endlessLine),
  ])
  func `a line that is not exactly a header is refused, however it comes`(
    line: String, error: ProxyHeaderError
  ) throws {
    try headers.verify(line, gives: [], then: .malformed(error))
  }

  @Test(arguments: ["PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "P"])
  func `a line is not over before its end`(line: String) throws {
    try headers.verify(line, gives: [], then: .truncated(byteCount: line.utf8.count))
  }

  @Test func `version 2 tells ends of every family and transport`() throws {
    let v4 = (try end("192.0.2.1:56324"), try end("198.51.100.7:25555"))
    let block6: [UInt8] =
      [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
      + [UInt8](repeating: 0, count: 15) + [1] + [0, 80, 1, 187]
    let v6 = (try end("[2001:db8::1]:80"), try end("[::1]:443"))
    let paths = BinaryHeader.path([]) + BinaryHeader.path(Array("/run/server".utf8))
    let named = ProxyHeader.Endpoint(unix: try UnixAddress(path: "/run/server"))
    let cases: [(UInt8, [UInt8], ProxyHeader.Transport, ProxyHeader.Endpoint, ProxyHeader.Endpoint)]
    cases = [
      (0x11, BinaryHeader().block, .stream, v4.0, v4.1),
      (0x12, BinaryHeader().block, .datagrams, v4.0, v4.1),
      (0x21, block6, .stream, v6.0, v6.1), (0x22, block6, .datagrams, v6.0, v6.1),
      (0x31, paths, .stream, .init(unix: nil), named),
      (0x32, paths, .datagrams, .init(unix: nil), named),
    ]
    for (family, block, transport, source, destination) in cases {
      let header = ProxyHeader(
        version: 2, transport: transport, source: source, destination: destination)
      let bytes = BinaryHeader(family: family, block: block).bytes
      try headers.verify(bytes, gives: [header])
      // What follows is the stream's.
      let decoded = try ProxyHeaderDecoder().decode((bytes + [2, 0x1A, 0]).span.bytes)
      #expect(decoded == .frame(header, consumed: bytes.count))
    }
    #expect(ProxyHeader.Endpoint(unix: nil).description == "unix:")
    #expect(named.description == "unix:/run/server")
  }

  @Test func `an abstract name and one of all the bytes that a socket can have`() throws {
    func source(_ name: [UInt8]) throws -> Decoded<ProxyHeader> {
      let block = BinaryHeader.path(name) + BinaryHeader.path([])
      return try ProxyHeaderDecoder().decode(
        BinaryHeader(family: 0x31, block: block).bytes.span.bytes)
    }
    guard case .frame(let long, _) = try source([UInt8](repeating: 0x61, count: 107)) else {
      throw ProxyHeaderError.noHeader
    }
    #expect(long.source?.unixAddress?.path?.utf8.count == 107)
    #expect(throws: ProxyHeaderError.malformedPath) {
      try source([UInt8](repeating: 0x61, count: 108))
    }
    #if os(Linux)
      guard case .frame(let abstract, _) = try source([0] + Array("name".utf8)) else {
        throw ProxyHeaderError.noHeader
      }
      #expect(abstract.source?.description == "unix:@name")
    #endif
  }

  @Test func `of a header without addresses all is skipped, and that of the proxy's own is told`()
    throws
  {
    let rest: [UInt8] = [1, 2, 3, 4, 5]
    for family: UInt8 in [0, 0x11, 0x21, 0xFF] {
      try headers.verify(
        BinaryHeader(command: 0x20, family: family, block: rest).bytes,
        gives: [ProxyHeader(version: 2, isLocal: true)])
    }
    for block in [[], rest] {
      try headers.verify(
        BinaryHeader(family: 0, block: block).bytes, gives: [ProxyHeader(version: 2)])
    }
  }

  @Test func `what is not version 2 in each of its parts is refused, however it comes`() throws {
    let cases: [(BinaryHeader, ProxyHeaderError)] = [
      (BinaryHeader(command: 0x11), .unknownVersion),
      (BinaryHeader(command: 0x31), .unknownVersion),
      (BinaryHeader(command: 0x22), .unknownCommand),
      (BinaryHeader(command: 0x2F), .unknownCommand),
      (BinaryHeader(family: 0x10), .unknownFamily), (BinaryHeader(family: 0x13), .unknownFamily),
      (BinaryHeader(family: 0x01), .unknownFamily), (BinaryHeader(family: 0x41), .unknownFamily),
      (BinaryHeader(family: 0x11, block: [1, 2, 3]), .cutAddresses),
      (BinaryHeader(family: 0x21), .cutAddresses), (BinaryHeader(family: 0x31), .cutAddresses),
      (BinaryHeader(vectors: [4]), .malformedExtension),
      (BinaryHeader(vectors: [4, 0]), .malformedExtension),
      (BinaryHeader(vectors: [4, 0, 1]), .malformedExtension),
      (BinaryHeader(vectors: [0xE0, 0, 2, 9]), .malformedExtension),
      (BinaryHeader(vectors: BinaryHeader.vector(3, [1, 2, 3])), .malformedExtension),
      (BinaryHeader(vectors: BinaryHeader.vector(3, [1, 2, 3, 4, 5])), .malformedExtension),
      (BinaryHeader(vectors: BinaryHeader.vector(3, [0, 0, 0, 0])), .wrongChecksum),
      (BinaryHeader(length: 4_081), .tooLong), (BinaryHeader(length: 65_535), .tooLong),
    ]
    for (header, error) in cases {
      try headers.verify(header.bytes, gives: [], then: .malformed(error))
    }
  }

  @Test func `the bound is for the whole header, and never below its first part`() throws {
    let vectors = BinaryHeader.vector(0xE0, [UInt8](repeating: 7, count: 100))
    let bytes = BinaryHeader(vectors: vectors).bytes
    #expect(throws: Never.self) {
      try ProxyHeaderDecoder(maximumLength: bytes.count).decode(bytes.span.bytes)
    }
    #expect(throws: ProxyHeaderError.tooLong) {
      try ProxyHeaderDecoder(maximumLength: bytes.count - 1).decode(bytes.span.bytes)
    }
    #expect(ProxyHeaderDecoder(maximumLength: 0).maximumLength == 16)
    #expect(ProxyHeaderDecoder(maximumLength: .max).maximumLength == 65_551)
  }

  @Test func `vectors that nobody knows are given as they came, and padding is not`() throws {
    let vectors =
      BinaryHeader.vector(2, Array("example.org".utf8)) + BinaryHeader.vector(4, [0, 0])
      + BinaryHeader.vector(0xEE, []) + BinaryHeader.vector(5, [1, 2])
    let header = ProxyHeader(
      version: 2, transport: .stream, source: try end("192.0.2.1:56324"),
      destination: try end("198.51.100.7:25555"),
      extensions: [
        .init(.authority, Array("example.org".utf8)), .init(.init(rawValue: 0xEE), []),
        .init(.uniqueID, [1, 2]),
      ])
    try headers.verify(BinaryHeader(vectors: vectors).bytes, gives: [header])
  }

  @Test func `what HAProxy sends is understood, its checksum and the name of the connection`()
    throws
  {
    // By HAProxy 2.6.12, with `send-proxy-v2 proxy-v2-options crc32c,unique-id`.
    let bytes: [UInt8] =
      BinaryHeader.signature + [
        0x21, 0x11, 0x00, 0x19, 0x7F, 0x00, 0x00, 0x01, 0x7F, 0x00, 0x00, 0x01, 0x99, 0x38, 0x82,
        0x59, 0x03, 0x00, 0x04, 0x75, 0x8E, 0xF5, 0x0A, 0x05, 0x00, 0x03, 0x61, 0x62, 0x63,
      ]
    let header = ProxyHeader(
      version: 2, transport: .stream, source: try end("127.0.0.1:39224"),
      destination: try end("127.0.0.1:33369"),
      extensions: [.init(.uniqueID, Array("abc".utf8))])
    try headers.verify(bytes, gives: [header])
  }

  @Test func `the checksum is that of the whole header, and of each of its bits`() throws {
    #expect(CRC32C.checksum(of: Array("123456789".utf8).span.bytes, zeroing: 0..<0) == 0xE306_9283)
    let empty = BinaryHeader(vectors: BinaryHeader.vector(3, [0, 0, 0, 0])).bytes
    let sum = CRC32C.checksum(of: empty.span.bytes, zeroing: 0..<0)
    let bytes = empty.dropLast(4) + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) }
    let good = try ProxyHeaderDecoder().decode(bytes.span.bytes)
    guard case .frame = good else { throw ProxyHeaderError.noHeader }
    // With another type the vector is none that is checked.
    for bit in 0..<bytes.count * 8 where bit / 8 != bytes.count - 7 {
      var changed = Array(bytes)
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      // A bit in the length makes it shorter, or longer than what is there.
      let decoded = try? ProxyHeaderDecoder().decode(changed.span.bytes)
      if let decoded, case .frame(let header, _) = decoded {
        // With LOCAL or no family there is nothing to check.
        #expect(header.source == nil, "bit \(bit)")
      }
    }
    let twice = BinaryHeader(
      vectors: BinaryHeader.vector(3, [0, 0, 0, 0]) + BinaryHeader.vector(3, [0, 0, 0, 0]))
    #expect(throws: ProxyHeaderError.malformedExtension) {
      try ProxyHeaderDecoder().decode(twice.bytes.span.bytes)
    }
  }
}
