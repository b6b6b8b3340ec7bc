internal import UVNet

/// Reads addresses by UVNet's grammar, for code without I/O: texts come in, and go out in one form.
package enum AddressText {
  /// What is wrong with a text, in words that follow the text.
  package struct Mistake: Error, Hashable, CustomStringConvertible {
    package let description: String

    private init(description: String) { self.description = description }

    fileprivate init(_ error: SocketAddressError) { self.init(description: error.description) }

    /// A name, where only numeric addresses are understood.
    package static let notNumeric = Mistake(.notNumeric)
  }

  /// Reads a numeric host such as `127.0.0.1` or `fe80::1%eth0`; a zone becomes the interface's number.
  package static func host(_ text: String) throws(Mistake) -> String {
    try read { () throws(SocketAddressError) in try SocketAddress(host: text, port: 0).host }
  }

  /// Reads a numeric host with a port, such as `127.0.0.1:80` or `[::1]:80`, or without one.
  package static func hostAndPort(
    _ text: String, defaultPort: UInt16
  ) throws(Mistake) -> (host: String, port: UInt16) {
    try read { () throws(SocketAddressError) in
      let address = try SocketAddress(parsing: text, defaultPort: defaultPort)
      return (address.host, address.port)
    }
  }

  /// Reads a port, 1 … 65535.
  package static func port(_ text: some StringProtocol) throws(Mistake) -> UInt16 {
    try read { () throws(SocketAddressError) in try SocketAddress.parsePort(text) }
  }

  /// Reads `unix:PATH`, or `unix:@NAME` for an abstract name.
  package static func unixSocket(_ text: String) throws(Mistake) -> String {
    try read { () throws(SocketAddressError) in try UnixAddress(parsing: text).description }
  }

  private static func read<Value>(
    _ body: () throws(SocketAddressError) -> Value
  ) throws(Mistake) -> Value {
    do throws(SocketAddressError) {
      return try body()
    } catch {
      throw Mistake(error)
    }
  }
}
