import Testing
import UVNet
import UVNetTestKit

@Suite struct UnixAddressTests {
  @Test func `a path has 1 to 107 bytes, none of them 0`() throws {
    let longest = String(repeating: "a", count: UnixAddress.maximumLength)
    #if os(Linux)
      #expect(UnixAddress.maximumLength == 107)
    #endif
    #expect(try UnixAddress(path: longest).path == longest)
    #expect(try UnixAddress(path: "é").path == "é")
    #expect(throws: SocketAddressError.pathTooLong) { try UnixAddress(path: longest + "a") }
    #expect(throws: SocketAddressError.pathTooLong) {
      // Two bytes each.
      try UnixAddress(path: String(repeating: "é", count: 54))
    }
    #expect(throws: SocketAddressError.emptyPath) { try UnixAddress(path: "") }
    #expect(throws: SocketAddressError.invalidPath) { try UnixAddress(path: "a\0b") }
  }

  @Test(arguments: [
    ("/run/x.sock", "unix:/run/x.sock"), ("unix:/run/x.sock", "unix:/run/x.sock"),
    ("x", "unix:x"), ("./@x", "unix:./@x"), ("unix:unix:x", "unix:unix:x"),
  ])
  func `a path is parsed with or without the scheme`(text: String, description: String) throws {
    let address = try UnixAddress(parsing: text)
    #expect(address.description == description)
    #expect(address.abstractName == nil)
    #expect(try UnixAddress(parsing: address.description) == address)
  }

  @Test func `what is wrong with a text is said`() {
    #expect(throws: SocketAddressError.emptyPath) { try UnixAddress(parsing: "") }
    #expect(throws: SocketAddressError.emptyPath) { try UnixAddress(parsing: "unix:") }
    #expect(throws: SocketAddressError.emptyPath) { try UnixAddress(parsing: "unix:@") }
    #expect("\(SocketAddressError.pathTooLong)".contains("\(UnixAddress.maximumLength) bytes"))
  }

  #if os(Linux)
    @Test func `an abstract name is no path`() throws {
      let address = try UnixAddress(parsing: "unix:@server")
      #expect(address.abstractName == "server")
      #expect(address.path == nil)
      #expect(address == (try UnixAddress(abstractName: "server")))
      #expect(address != (try UnixAddress(path: "server")))
      #expect(throws: SocketAddressError.pathTooLong) {
        try UnixAddress(abstractName: String(repeating: "a", count: 108))
      }
    }
  #endif
}
