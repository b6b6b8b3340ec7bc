import TestTaskDaemonSupport
import Testing
import UVNet

@Suite struct ProxyClientTests {
  private func client(_ source: ProxyHeader.Endpoint?, isLocal: Bool = false) -> String? {
    ProxyHeader(version: 2, isLocal: isLocal, source: source).client
  }

  @Test func `a client is known by its address, an IPv4 one as such`() throws {
    #expect(client(.init(try SocketAddress(parsing: "192.0.2.1:5"))) == "192.0.2.1:5")
    #expect(client(.init(try SocketAddress(parsing: "[2001:db8::1]:5"))) == "[2001:db8::1]:5")
    #expect(client(.init(try SocketAddress(parsing: "[::ffff:192.0.2.1]:5"))) == "192.0.2.1:5")
    #expect(client(nil) == nil)
    #expect(client(nil, isLocal: true) == nil)
  }

  @Test func `a path can put no other field into the log`() throws {
    #expect(client(.init(unix: nil)) == "unix:")
    let path = "/run/a b=\"c\\%\n\u{7F}\u{E9}"
    #expect(
      client(.init(unix: try UnixAddress(path: path)))
        == "unix:/run/a%20b%3D%22c%5C%25%0A%7F%C3%A9")
  }
}
