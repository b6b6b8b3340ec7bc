import TestTaskClientCore
import TestTaskProgramBasics
import UVNet

extension Target {
  /// Reads `HOST[:PORT]` or `unix:PATH` as the user types it; `localhost` is 127.0.0.1, without a
  /// look-up.
  ///
  /// With `isHost` no port may follow. With `allowsNames` names other than `localhost` are
  /// accepted.
  init(reading text: String, isHost: Bool = false, allowsNames: Bool = false) throws(CommandError) {
    if text.utf8.starts(with: Self.unixScheme.utf8) {
      try self.init(socket: text, isHost: isHost)
      return
    }
    if let target = try Self.named(text, isHost: isHost) {
      guard allowsNames else {
        let text = text.escapedForTerminal
        throw CommandError(
          message: "\"\(text)\": \(SocketAddressError.notNumeric) (--resolve allows names)")
      }
      self = target
      return
    }
    let name = "localhost"
    let isName = text == name || text.hasPrefix(name + ":")
    let numeric = isName ? "127.0.0.1" + text.dropFirst(name.count) : text
    do {
      let address =
        isHost
        ? try SocketAddress(host: numeric, port: Self.defaultPort)
        : try SocketAddress(parsing: numeric, defaultPort: Self.defaultPort)
      self.init(host: address.host, port: address.port, name: isName ? name : nil)
    } catch {
      throw CommandError(message: "\"\(text.escapedForTerminal)\": \(error)")
    }
    // Keeps the interface's name as the user typed it: its number may be another interface's later.
    guard let percent = numeric.firstIndex(of: "%") else { return }
    let zone = numeric[percent...].prefix { $0 != "]" }
    host = String(host.prefix { $0 != "%" } + zone)
  }

  /// Reads `unix:PATH`, or `unix:@NAME` for an abstract name.
  private init(socket text: String, isHost: Bool) throws(CommandError) {
    do throws(SocketAddressError) {
      self.init(host: try UnixAddress(parsing: text).description, port: Self.defaultPort)
    } catch {
      throw CommandError(message: "\"\(text.escapedForTerminal)\": \(error)")
    }
    // The log shows the path without escapes.
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw CommandError(
        message: "\"\(text.escapedForTerminal)\": a path must be without control characters")
    }
    if isHost {
      throw CommandError(message: "\"\(text.escapedForTerminal)\": a Unix socket has no port")
    }
  }

  /// Reads a host with its port in the same text or in another, as in `127.0.0.1 25555`.
  init(reading host: String, port: String?, allowsNames: Bool = false) throws(CommandError) {
    try self.init(reading: host, isHost: port != nil, allowsNames: allowsNames)
    guard let port else { return }
    do throws(SocketAddressError) {
      self.port = try SocketAddress.parsePort(port)
    } catch {
      throw CommandError(message: "\"\(port.escapedForTerminal)\": \(error)")
    }
  }

  /// A target whose host is a name for the resolver; `nil` for any other text.
  private static func named(_ text: String, isHost: Bool) throws(CommandError) -> Target? {
    let bytes = text.utf8
    let colon = isHost ? nil : bytes.firstIndex(of: UInt8(ascii: ":"))
    let host = String(Substring(bytes[..<(colon ?? bytes.endIndex)]))
    // A text with two colons is an IPv6 address.
    guard host != "localhost", isName(host), colon == bytes.lastIndex(of: UInt8(ascii: ":")) else {
      return nil
    }
    guard let colon else { return Target(host: host, port: defaultPort) }
    do throws(SocketAddressError) {
      let port = try SocketAddress.parsePort(Substring(bytes[colon...].dropFirst()))
      return Target(host: host, port: port)
    } catch {
      throw CommandError(message: "\"\(text.escapedForTerminal)\": \(error)")
    }
  }

  /// The Unix socket to connect to.
  var unixAddress: UnixAddress {
    get throws(SocketAddressError) { try UnixAddress(parsing: host) }
  }

  /// The address to connect to, read anew each time: the interface of its zone may have gone.
  var address: SocketAddress {
    get throws(SocketAddressError) { try SocketAddress(host: host, port: port) }
  }
}
