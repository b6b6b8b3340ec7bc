import TestTaskClientCore
import Testing

@Suite struct TargetReadingTests {
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

  @Test(
    "a Unix socket is taken by its path, with names allowed too, and has no port",
    arguments: ["unix:/run/testtask.sock", "unix:a:80", "unix:25555", "unix:./x y"])
  func unixSockets(text: String) throws {
    for allowsNames in [false, true] {
      let target = try Target(reading: text, allowsNames: allowsNames)
      #expect(target.description == text)
      #expect(target.isUnixSocket && !target.isName)
    }
    let error = #expect(throws: CommandError.self) { try Target(reading: text, port: "80") }
    #expect(error?.message.contains("has no port") == true)
  }

  @Test(
    "a path that cannot be a socket's is refused",
    arguments: ["unix:", "unix:@", "unix:a\nb", "unix:" + String(repeating: "a", count: 108)])
  func refusedPaths(text: String) {
    #expect(throws: CommandError.self) { try Target(reading: text) }
  }

  @Test(
    "a name is taken where names are allowed, and is told how otherwise",
    arguments: [
      ("example.org", "example.org:25555"), ("example.org:80", "example.org:80"),
      ("a-b_c.d.", "a-b_c.d.:25555"), ("db1", "db1:25555"), ("3com", "3com:25555"),
      ("LOCALHOST:1", "LOCALHOST:1"), ("0xfg", "0xfg:25555"),
    ])
  func names(text: String, printed: String) throws {
    let target = try Target(reading: text, allowsNames: true)
    #expect(target.description == printed)
    #expect(target.isName)
    #expect(try Target(reading: printed, allowsNames: true) == target)
    let error = #expect(throws: CommandError.self) { try Target(reading: text) }
    #expect(error?.message.contains("--resolve") == true)
    let apart = try Target(reading: target.host, port: "80", allowsNames: true)
    #expect(apart.description == "\(target.host):80")
  }

  @Test(
    "what is no name stays refused, and an address stays an address, though names are allowed",
    arguments: [
      "127.1", "0177.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "1.2.3.4.5", "", "a b", "a..b",
      ".a", "a:0", "a:65536", "a:", "a:1:2", "-a", "a\0b", "é.example", "[a]:80",
      String(repeating: "a", count: 300), String(repeating: "a", count: 64),
    ])
  func noNames(text: String) throws {
    #expect(throws: CommandError.self) { try Target(reading: text, allowsNames: true) }
    for text in ["127.0.0.1", "::1", "[::1]:80", "localhost", "localhost:80"] {
      let target = try Target(reading: text, allowsNames: true)
      #expect(try target == Target(reading: text))
      #expect(!target.isName)
    }
  }

  @Test("it is one server however it was named")
  func identity() throws {
    let targets = try ["localhost", "127.0.0.1", "127.0.0.1:25555"].map { try Target(reading: $0) }
    #expect(Set(targets).count == 1)
    #expect(try Set(targets + [Target(reading: "127.0.0.1:1")]).count == 2)
  }

  #if os(Linux)
    @Test("a zone keeps the name that the user gave it")
    func zone() throws {
      for text in ["fe80::1%lo", "[fe80::1%lo]:80", "fe80::1%1"] {
        let target = try Target(reading: text)
        #expect(target.host == (text.contains("lo") ? "fe80::1%lo" : "fe80::1%1"))
        #expect(try Target(reading: target.description) == target)
      }
    }
  #endif
}
