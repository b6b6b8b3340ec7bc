import TestTaskClientCore
import TestTaskProgramBasics
import UVNet

extension Target {
  /// Reads `HOST[:PORT]` as the user types it; `localhost` is 127.0.0.1, without a look-up.
  ///
  /// Where `isHost`, no port may follow.
  init(reading text: String, isHost: Bool = false) throws(CommandError) {
    let name = "localhost"
    let isName = text == name || text.hasPrefix(name + ":")
    let numeric = isName ? "127.0.0.1" + text.dropFirst(name.count) : text
    do {
      let address =
        isHost
        ? try SocketAddress(host: numeric, port: Self.defaultPort)
        : try SocketAddress(parsing: numeric, defaultPort: Self.defaultPort)
      self.init(host: address.host, port: address.port)
    } catch {
      throw CommandError(message: "\"\(text.escapedForTerminal)\": \(error)")
    }
    // An interface is called what the user calls it: its number may be another's tomorrow.
    guard let percent = numeric.firstIndex(of: "%") else { return }
    let zone = numeric[percent...].prefix { $0 != "]" }
    host = String(host.prefix { $0 != "%" } + zone)
  }

  /// Reads a host with its port behind it or apart, as in `127.0.0.1 25555`.
  init(reading host: String, port: String?) throws(CommandError) {
    try self.init(reading: host, isHost: port != nil)
    guard let port else { return }
    do throws(SocketAddressError) {
      self.port = try SocketAddress.parsePort(port)
    } catch {
      throw CommandError(message: "\"\(port.escapedForTerminal)\": \(error)")
    }
  }

  /// The address to connect to, as things are now: a zone may have gone.
  var address: SocketAddress {
    get throws(SocketAddressError) { try SocketAddress(host: host, port: port) }
  }
}
