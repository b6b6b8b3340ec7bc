import Testing

@testable import TestTaskClientCore

@Suite struct TargetNameTests {
  @Test(arguments: [
    "example.org", "a-b_c.d.", "db1", "3com", "LOCALHOST", "0xfg",
    String(repeating: "a", count: 63) + ".b", "a." + String(repeating: "b.", count: 125) + "c",
  ])
  func `labels of letters, digits, hyphens and underscores are a name`(host: String) {
    #expect(Target.isName(host))
    #expect(Target(host: host, port: 1).isName)
  }

  @Test(arguments: [
    "", ".", "a..b", ".a", "-a", "a b", "a:1", "a/b", "é.example", "127.1", "2130706433", "a.0x7F",
    "0177.0.0.1", String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "b",
  ])
  func `a text that the system would take for an address, and any other, is no name`(host: String) {
    #expect(!Target.isName(host))
  }

  @Test func `a Unix socket has no name, whatever its path`() {
    #expect(!Target(host: "unix:example.org", port: 1).isName)
  }
}
