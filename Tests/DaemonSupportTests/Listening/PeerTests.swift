import Testing
import UVNet

@testable import TestTaskDaemonSupport

@Suite struct PeerTests {
  @Test func `a peer is described as the log has it`() throws {
    #expect(
      Peer.tcp(try SocketAddress(host: "192.0.2.1", port: 56_324)).description
        == "192.0.2.1:56324")
    #expect(Peer.tcp(nil).description == "unknown")
    #expect(Peer.unix(nil).description == "unix:unknown")
    #expect(Peer.tcp(nil).isTCP && !Peer.unix(nil).isTCP)
  }

  @Test func `a list has those on Unix sockets by a word, and others by their addresses`() throws {
    let unix = try #require(NetworkList("unix"))
    #expect(unix.contains(Peer.unix(nil)))
    #expect(!unix.contains(Peer.tcp(try SocketAddress(host: "127.0.0.1", port: 1))))
    #expect(!NetworkList.loopback.contains(Peer.unix(nil)))
    #expect(NetworkList.loopback.contains(Peer.tcp(try SocketAddress(host: "::1", port: 1))))
    #expect(!NetworkList.loopback.contains(Peer.tcp(nil)))
  }
}
