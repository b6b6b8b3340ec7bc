import TestTaskClientCore
import Testing
import UVNet

@testable import TestTaskClient

@Suite struct TargetTests {
  @Test(
    "an address is taken in each of its forms, and printed in one",
    arguments: [
      ("127.0.0.1", "127.0.0.1:25555"), ("127.0.0.1:80", "127.0.0.1:80"), ("::1", "[::1]:25555"),
      ("[::1]", "[::1]:25555"), ("[::1]:80", "[::1]:80"), ("[0:0::0:1]:80", "[::1]:80"),
      ("localhost", "127.0.0.1:25555"), ("localhost:80", "127.0.0.1:80"),
      ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:25555"),
    ])
  func forms(text: String, printed: String) throws {
    let target = try Target(reading: text)
    #expect(target.description == printed)
    #expect(try Target(reading: printed) == target)
    #expect(try target.address == SocketAddress(parsing: printed))
  }

  @Test(
    "the port may stand apart",
    arguments: [
      ("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("localhost", "127.0.0.1:80"),
    ])
  func portApart(host: String, printed: String) throws {
    #expect(try Target(reading: host, port: "80").description == printed)
    #expect(try Target(reading: host, isHost: true).host == Target(reading: host).host)
    #expect(throws: CommandError.self) { try Target(reading: host, port: "0") }
    #expect(throws: CommandError.self) { try Target(reading: printed, port: "80") }
  }

  @Test(
    "addresses that other programs accept are refused",
    arguments: [
      "127.1", "0177.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:9x",
      "::1%nosuch", "localhost.", "localhost:", "example.org", "1.2.3.4.5", "", "[::1",
      "2130706433",
      String(repeating: "a", count: 300), "1.2.3.4 ",
    ])
  func refused(text: String) {
    #expect(throws: CommandError.self) { try Target(reading: text) }
  }

  #if os(Linux)
    @Test("a zone keeps the name that the user gave it")
    func zone() throws {
      for text in ["fe80::1%lo", "[fe80::1%lo]:80", "fe80::1%1"] {
        let target = try Target(reading: text)
        #expect(target.host == (text.contains("lo") ? "fe80::1%lo" : "fe80::1%1"))
        #expect(try Target(reading: target.description) == target)
        #expect(try target.address.host == "fe80::1%1")
      }
    }
  #endif
}
