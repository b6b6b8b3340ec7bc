import TestTaskDaemonSupport
import Testing
import UVNet

@Suite struct NetworkListTests {
  private func contains(_ list: NetworkList?, _ address: String) throws -> Bool? {
    list?.contains(try SocketAddress(host: address, port: 1))
  }

  @Test func `addresses and networks are separated by blanks`() throws {
    let list = NetworkList("  127.0.0.1\t10.0.0.0/8  2001:db8::/32 ")
    #expect(try contains(list, "127.0.0.1") == true)
    #expect(try contains(list, "127.0.0.2") == false)
    #expect(try contains(list, "10.9.8.7") == true)
    #expect(try contains(list, "2001:db8::7") == true)
    #expect(list?.description == "127.0.0.1 10.0.0.0/8 2001:db8::/32")
    #expect(list?.includesUnix == false)
    #expect(list?.contains(nil) == false)
  }

  @Test func `unix stands for all peers on Unix sockets`() throws {
    let list = NetworkList("unix ::1")
    #expect(list?.includesUnix == true)
    #expect(try contains(list, "::1") == true)
    #expect(list?.description == "::1 unix")
    #expect(NetworkList("unix")?.description == "unix")
  }

  @Test(arguments: ["", " ", "localhost", "127.0.0.1,::1", "10.0.0.1/8", "::1 nobody", "none"])
  func `anything else is refused`(text: String) {
    #expect(NetworkList(text) == nil)
  }

  @Test func `loopback is both families' own address`() throws {
    #expect(NetworkList.loopback.description == "127.0.0.1 ::1")
  }
}
