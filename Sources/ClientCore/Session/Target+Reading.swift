import TestTaskProgramBasics

extension Target {
  /// Reads `HOST[:PORT]` or `unix:PATH` as the user types it.
  ///
  /// `localhost` is 127.0.0.1, without a look-up.
  ///
  /// - Parameters:
  ///   - text: What was typed.
  ///   - isHost: Whether it is a host alone, which no port may follow.
  ///   - allowsNames: Whether names other than `localhost` are accepted.
  /// - Throws: What is wrong with the text.
  package init(
    reading text: String, isHost: Bool = false, allowsNames: Bool = false
  ) throws(CommandError) {
    if text.utf8.starts(with: Self.unixScheme.utf8) {
      self = try Self.socket(text)
      if isHost { throw CommandError(text, "a Unix socket has no port") }
    } else if let named = try Self.named(text, isHost: isHost) {
      guard allowsNames else {
        throw CommandError(text, "\(AddressText.Mistake.notNumeric) (--resolve allows names)")
      }
      self = named
    } else {
      self = try Self.numeric(text, isHost: isHost)
    }
  }

  /// Reads a host with its port in the same text or in another, as in `127.0.0.1 25555`.
  package init(
    reading host: String, port: String?, allowsNames: Bool = false
  ) throws(CommandError) {
    try self.init(reading: host, isHost: port != nil, allowsNames: allowsNames)
    guard let port else { return }
    self.port = try Self.naming(port) { () throws(AddressText.Mistake) in
      try AddressText.port(port)
    }
  }

  /// Reads `unix:PATH`, or `unix:@NAME` for an abstract name.
  private static func socket(_ text: String) throws(CommandError) -> Target {
    let socket = try naming(text) { () throws(AddressText.Mistake) in
      try AddressText.unixSocket(text)
    }
    // The log shows the path without escapes.
    guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
      throw CommandError(text, "a path must be without control characters")
    }
    return Target(host: socket, port: defaultPort)
  }

  /// Reads a host that is a name for the resolver; `nil` for any other text.
  private static func named(_ text: String, isHost: Bool) throws(CommandError) -> Target? {
    let bytes = text.utf8
    let colon = isHost ? nil : bytes.firstIndex(of: UInt8(ascii: ":"))
    let host = String(Substring(bytes[..<(colon ?? bytes.endIndex)]))
    // A text with two colons is an IPv6 address.
    guard host != localhost, isName(host), colon == bytes.lastIndex(of: UInt8(ascii: ":")) else {
      return nil
    }
    guard let colon else { return Target(host: host, port: defaultPort) }
    let port = try naming(text) { () throws(AddressText.Mistake) in
      try AddressText.port(Substring(bytes[colon...].dropFirst()))
    }
    return Target(host: host, port: port)
  }

  /// Reads a numeric address, or `localhost`.
  private static func numeric(_ text: String, isHost: Bool) throws(CommandError) -> Target {
    let isLocalhost = text == localhost || text.hasPrefix(localhost + ":")
    let numeric = isLocalhost ? "127.0.0.1" + text.dropFirst(localhost.count) : text
    var (host, port) = try naming(text) { () throws(AddressText.Mistake) in
      isHost
        ? (try AddressText.host(numeric), defaultPort)
        : try AddressText.hostAndPort(numeric, defaultPort: defaultPort)
    }
    // Keeps the interface's name as the user typed it: its number may be another interface's later.
    if let percent = numeric.firstIndex(of: "%") {
      host = String(host.prefix { $0 != "%" } + numeric[percent...].prefix { $0 != "]" })
    }
    return Target(host: host, port: port, name: isLocalhost ? localhost : nil)
  }

  private static let localhost = "localhost"

  /// Puts the text before the mistake that is in it.
  private static func naming<Value>(
    _ text: String, _ body: () throws(AddressText.Mistake) -> Value
  ) throws(CommandError) -> Value {
    do throws(AddressText.Mistake) {
      return try body()
    } catch {
      throw CommandError(text, error.description)
    }
  }
}

extension CommandError {
  fileprivate init(_ text: String, _ reason: String) {
    self.init(message: "\"\(text.escapedForTerminal)\": \(reason)")
  }
}
