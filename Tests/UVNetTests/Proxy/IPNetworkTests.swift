import Testing
import UVNet

@Suite struct IPNetworkTests {
  @Test(arguments: [
    ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
    ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("10.0.0.0/8", "::10.1.2.3", false),
    ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false),
    ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.128", true),
    ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false),
    ("127.0.0.1/32", "127.0.0.1", true), ("::1", "::1", true), ("::1", "127.0.0.1", false),
    ("::/0", "2001:db8::1", true), ("::/0", "127.0.0.1", true),
    ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
    ("2001:db8:0:1::/64", "2001:db8:0:1:ffff::", true), ("2001:db8:0:1::/64", "2001:db8::", false),
    ("2001:db8::8000:0:0:0/65", "2001:db8::8000:0:0:1", true),
    ("2001:db8::8000:0:0:0/65", "2001:db8::1", false),
    ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("fe80::/10", "fe80::1%1", true),
  ])
  func `an address is in a network if its first bits are the network's`(
    network: String, address: String, isIn: Bool
  ) throws {
    #expect(try IPNetwork(network).contains(IPAddress(address)) == isIn)
  }

  @Test(arguments: ["10.0.0.0/8", "2001:db8::/32", "127.0.0.1", "::1", "0.0.0.0/0", "::/0"])
  func `what is printed is what was parsed`(text: String) throws {
    #expect(try IPNetwork(text).description == text)
    #expect(try IPNetwork(IPNetwork(text).description) == IPNetwork(text))
  }

  @Test(arguments: [
    ("10.0.0.1/8", SocketAddressError.notANetwork), ("2001:db8::1/32", .notANetwork),
    ("0.0.0.1/0", .notANetwork), ("10.0.0.0/33", .invalidPrefix), ("::/129", .invalidPrefix),
    ("10.0.0.0/", .invalidPrefix), ("10.0.0.0/08", .invalidPrefix), ("10.0.0.0/-1", .invalidPrefix),
    ("10.0.0.0/8/8", .invalidPrefix), ("10.0.0.0/ 8", .invalidPrefix), ("", .emptyHost),
    ("/8", .emptyHost), ("10.0.0/8", .invalidIPv4), ("localhost", .notNumeric),
    ("fe80::1%1", .invalidIPv6), ("10.0.0.0/255.0.0.0", .invalidPrefix),
  ])
  func `anything else is refused`(text: String, error: SocketAddressError) {
    #expect(throws: error) { try IPNetwork(text) }
  }
}
