import TestTaskProgramBasics
import UVNet

extension SocketAddress {
  /// The port where none is given.
  static let defaultPort: UInt16 = 25555

  /// Reads `HOST[:PORT]` as the user types it; `localhost` is 127.0.0.1, without a look-up.
  ///
  /// Where `isHost`, no port may follow.
  init(target text: String, isHost: Bool = false) throws(CommandError) {
    let name = "localhost"
    let isName = text == name || text.hasPrefix(name + ":")
    let numeric = isName ? "127.0.0.1" + text.dropFirst(name.count) : text
    do {
      if isHost {
        try self.init(host: numeric, port: Self.defaultPort)
      } else {
        try self.init(parsing: numeric, defaultPort: Self.defaultPort)
      }
    } catch {
      throw CommandError(message: "\"\(text.escapedForTerminal)\": \(error)")
    }
  }

  /// Reads a host with its port behind it or apart, as in `127.0.0.1 25555`.
  init(target host: String, port: String?) throws(CommandError) {
    try self.init(target: host, isHost: port != nil)
    guard let port else { return }
    do throws(SocketAddressError) {
      self.init(address, port: try Self.parsePort(port))
    } catch {
      throw CommandError(message: "\"\(port.escapedForTerminal)\": \(error)")
    }
  }
}
