/// The server that the user wants: a host, numeric or a name, and a port.
///
/// Text and not an address of the system's: whoever connects reads it anew each time, so that the
/// zone of `fe80::1%eth0` means the interface of that name, whatever its number is by then.
package struct Target: Hashable, Sendable, CustomStringConvertible {
  /// The host as it is printed, without brackets.
  package var host: String
  /// The port, 1 … 65535.
  package var port: UInt16

  /// The port where none is given.
  package static let defaultPort: UInt16 = 25555

  /// Puts a target together.
  package init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }

  /// `127.0.0.1:25555` or `[::1]:25555`.
  package var description: String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Reads a target as the user types it, or says what is wrong with it.
  ///
  /// What an address looks like is known to the library that connects, so the shell brings this.
  ///
  /// - Parameters:
  ///   - text: `HOST[:PORT]`.
  ///   - isHost: Whether no port may follow.
  package typealias Reader =
    @Sendable (_ text: String, _ isHost: Bool) throws(CommandError) -> Target
}
