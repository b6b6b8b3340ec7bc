import TestTaskProgramBasics
import TestTaskTestSupport
import Testing
import UVNet
import UVNetTestKit

@testable import TestTaskDaemonSupport

@Suite struct ListeningPlacesTests {
  @Test func `settings name an address, a socket, both or neither`() throws {
    #expect(try ListeningPlaces(host: nil, port: 7, socket: nil).isEmpty)
    let tcp = try ListeningPlaces(host: "127.0.0.1", port: 7, socket: nil)
    #expect(tcp.tcp == SocketAddress(.loopback, port: 7) && tcp.unix == nil)
    let both = try ListeningPlaces(host: "::1", port: 0, socket: "@name")
    #expect(try both.unix == UnixAddress(abstractName: "name"))
    #expect(both.tcp?.isIPv6 == true)
  }

  @Test(
    arguments: [
      ("localhost", nil, "cannot listen on \"localhost\": not a numeric address"),
      (nil, "", "cannot listen on \"\": "),
      (nil, String(repeating: "a", count: 108), "at most 107 bytes"),
    ] as [(String?, String?, String)])
  func `what is no address is said with the text`(host: String?, socket: String?, reason: String) {
    let error = #expect(throws: ListenFailure.self) {
      try ListeningPlaces(host: host, port: 7, socket: socket)
    }
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }

  @Test func `a check names what is in use, and leaves no trace`() throws {
    let folder = try TemporaryFolder()
    let (tcp, unix) = (
      try RawSocket.listen(), try RawSocket.listen(path: "\(folder.path)/in use")
    )
    var places = ListeningPlaces()
    places.tcp = SocketAddress(.loopback, port: tcp.port)
    places.unix = try UnixAddress(path: "\(folder.path)/in use")
    #expect(try places.check() == ["127.0.0.1:\(tcp.port)", "unix:\(folder.path)/in use"])
    unix.close()
    places = try ListeningPlaces(host: "127.0.0.1", port: 0, socket: "\(folder.path)/free")
    #expect(try places.check() == [])
    #expect(folder.names == ["in use"])
    places.unix = try UnixAddress(path: "\(folder.path)/nowhere/s")
    #expect(throws: ListenFailure.self) { try places.check() }
  }

  @Test func `who can reach an address is told by what protects it, and loopback needs no notice`()
    throws
  {
    let everywhere = try SocketAddress(host: "0.0.0.0", port: 7)
    let words: [(Exposure, LogLevel, String)] = [
      (.unprotected, .warning, "no authentication"), (.encrypted, .warning, "without client_ca"),
      (.authenticated, .info, "with a certificate alone"), (.metrics, .warning, "can read them"),
    ]
    for (exposure, level, text) in words {
      let notice = try #require(exposure.notice(of: everywhere))
      #expect(notice.level == level)
      #expect(notice.text.contains(text) && notice.text.contains("0.0.0.0:7"))
      #expect(exposure.notice(of: SocketAddress(.loopback, port: 7)) == nil)
    }
  }
}
