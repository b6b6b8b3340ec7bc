import Testing
import UVNet

@Suite struct SocketAddressTests {
  @Test(arguments: [
    "127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "2001:db8::8:800:200c:417a",
    "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1", "fe80::1%1", "0:0:1::",
  ])
  func `what is printed is what was parsed`(text: String) throws {
    let address = try IPAddress(text)
    #expect(try IPAddress(address.description) == address)
  }

  @Test(arguments: [
    ("0:0:0:0:0:0:0:1", "::1"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::127.0.0.1", "::7f00:1"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
  ])
  func `IPv6 is printed as RFC 5952 says`(text: String, printed: String) throws {
    #expect(try IPAddress(text).description == printed)
  }

  @Test(arguments: [
    "", " ", "127.1", "127.0.0", "127.0.0.1.1", "0177.0.0.1", "1.2.3.04", "256.0.0.1", "1.2.3.4 ",
    " 1.2.3.4", "1.2.3.-4", "1..2.3", "0x7f.0.0.1", "2130706433", "localhost", "١.2.3.4",
    ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g",
    "1:2:3:4:5:6:7::8",
    "::1.2.3", "1.2.3.4::", "::1%nosuch", "::1%", "::1%0", "::1%99999999999", ":1::", "1::2:",
    String(repeating: "1", count: 300),
  ])
  func `anything else is refused`(text: String) {
    #expect(throws: SocketAddressError.self) { try IPAddress(text) }
  }

  @Test func `a NUL byte does not end an address early`() {
    #expect(throws: SocketAddressError.self) { try IPAddress("1.2.3.4\0") }
    #expect(throws: SocketAddressError.self) { try IPAddress("::1\0") }
    #expect(throws: SocketAddressError.self) { try IPAddress("::1%lo\0") }
  }

  @Test(arguments: [
    ("127.0.0.1:25555", "127.0.0.1:25555"), ("[::1]:25555", "[::1]:25555"),
    ("127.0.0.1", "127.0.0.1:7"), ("::1", "[::1]:7"), ("[::1]", "[::1]:7"),
    ("1.2.3.4:00080", "1.2.3.4:80"), ("1.2.3.4:65535", "1.2.3.4:65535"),
  ])
  func `a port may follow, or the default stands`(text: String, printed: String) throws {
    #expect(try SocketAddress(parsing: text, defaultPort: 7).description == printed)
  }

  @Test(arguments: [
    ("1.2.3.4:", SocketAddressError.invalidPort), ("1.2.3.4:0", .invalidPort),
    ("1.2.3.4:65536", .invalidPort), ("1.2.3.4:-1", .invalidPort), ("1.2.3.4:9x", .invalidPort),
    ("1.2.3.4:+9", .invalidPort), ("1.2.3.4:000080", .invalidPort), ("1.2.3.4:८", .invalidPort),
    ("[::1", .unclosedBracket), ("[::1]80", .invalidPort), ("[1.2.3.4]:80", .invalidIPv6),
    ("[fe80::1]:9", .missingZone), ("febf::1", .missingZone), ("[fe80::1%nosuch]:9", .unknownZone),
    (":80", .emptyHost), ("", .emptyHost), ("example.org:80", .notNumeric),
  ])
  func `what is wrong with a text is said`(text: String, reason: SocketAddressError) {
    #expect(throws: reason) { try SocketAddress(parsing: text, defaultPort: 7) }
  }

  @Test func `a missing port is an error without a default, and zero needs permission`() throws {
    #expect(throws: SocketAddressError.missingPort) { try SocketAddress(parsing: "1.2.3.4") }
    #expect(try SocketAddress(parsing: "1.2.3.4:0", allowPortZero: true).port == 0)
  }

  @Test func `an address of no link needs no zone`() throws {
    for text in ["fe7f::1", "fec0::1", "fe80::1%1"] {
      #expect(try SocketAddress(host: text, port: 9).host == text)
    }
  }

  @Test func `loopback and unspecified addresses are known as such`() throws {
    for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
      #expect(try IPAddress(text).isLoopback, "\(text)")
    }
    for text in ["128.0.0.1", "::2", "::7f00:1", "0.0.0.0", "1::1"] {
      #expect(try !IPAddress(text).isLoopback, "\(text)")
    }
    #expect(IPAddress.any.isUnspecified && IPAddress.anyIPv6.isUnspecified)
    #expect(!IPAddress.loopback.isUnspecified)
  }

  @Test func `a zone may be the name of an interface`() throws {
    #if os(Linux)
      let name = "lo"
    #else
      let name = "lo0"
    #endif
    let named = try SocketAddress(parsing: "[fe80::1%\(name)]:7")
    let index = if_nametoindex(name)
    #expect(named == (try SocketAddress(parsing: "[fe80::1%\(index)]:7")))
    #expect(!named.isUnspecified)
    #expect(try SocketAddress(parsing: "[::]:7").isUnspecified)
  }
}
