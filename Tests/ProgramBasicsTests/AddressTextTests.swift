import TestTaskProgramBasics
import Testing
import UVNet

@Suite struct AddressTextTests {
  @Test(arguments: ["127.0.0.1", "::1", "0:0::0:1", "::ffff:10.0.0.1"])
  func `a host has one form, in which it can be connected to`(text: String) throws {
    #expect(try AddressText.host(text) == SocketAddress(host: text, port: 1).host)
    let (host, port) = try AddressText.hostAndPort(text, defaultPort: 7)
    #expect(try SocketAddress(host: host, port: port) == SocketAddress(host: text, port: 7))
  }

  #if os(Linux)
    @Test func `an interface is given by its number`() throws {
      let number = try AddressText.host("fe80::1%lo")
      #expect(number == "fe80::1%1")
      #expect(try AddressText.hostAndPort("[fe80::1%lo]:80", defaultPort: 7) == (number, 80))
    }
  #endif

  @Test func `a socket's path is as it was, with its scheme`() throws {
    for text in ["unix:/run/x", "unix:./x y", "unix:@x"] {
      #expect(try AddressText.unixSocket(text) == text)
    }
  }

  @Test func `a mistake is told in UVNet's words`() {
    func words<Value>(_ body: () throws(AddressText.Mistake) -> Value) -> String? {
      do throws(AddressText.Mistake) {
        _ = try body()
        return nil
      } catch {
        return error.description
      }
    }
    #expect(
      words { () throws(AddressText.Mistake) in try AddressText.host("127.1") }
        == SocketAddressError.invalidIPv4.description)
    #expect(
      words { () throws(AddressText.Mistake) in try AddressText.port("65536") }
        == SocketAddressError.invalidPort.description)
    #expect(
      words { () throws(AddressText.Mistake) in
        try AddressText.hostAndPort("[::1", defaultPort: 1)
      } == SocketAddressError.unclosedBracket.description)
    #expect(
      words { () throws(AddressText.Mistake) in try AddressText.unixSocket("unix:") }
        == SocketAddressError.emptyPath.description)
    #expect("\(AddressText.Mistake.notNumeric)" == SocketAddressError.notNumeric.description)
  }
}
