/// The server that the user wants: a host, numeric or a name, and a port; or a Unix socket.
///
/// It is a text and not the system's form of an address. The text is parsed again for each
/// connection, so that the zone of `fe80::1%eth0` means the interface that has this name at that
/// time.
package struct Target: Hashable, Sendable, CustomStringConvertible {
  /// The host as it is printed, without brackets; of a Unix socket `unix:PATH`.
  package var host: String
  /// The port, 1 … 65535; it means nothing to a Unix socket.
  package var port: UInt16
  /// The name that the user gave for a host that is numeric here: `localhost`.
  package var name: String?

  /// The port where none is given.
  package static let defaultPort: UInt16 = 25555

  /// Puts a target together.
  package init(host: String, port: UInt16, name: String? = nil) {
    (self.host, self.port, self.name) = (host, port, name)
  }

  /// What the text of a Unix socket begins with.
  package static let unixScheme = "unix:"

  /// Whether it is a Unix socket, and not a host with a port.
  package var isUnixSocket: Bool { host.utf8.starts(with: Self.unixScheme.utf8) }

  /// Whether two targets are one server: how the user has named it does not matter.
  package static func == (left: Target, right: Target) -> Bool {
    left.host == right.host && left.port == right.port
  }

  /// Feeds what ``==(_:_:)`` compares to a hasher.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(host)
    hasher.combine(port)
  }

  /// `127.0.0.1:25555`, `[::1]:25555` or `unix:/run/testtask.sock`.
  package var description: String {
    if isUnixSocket { return host }
    return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// What the server's certificate has to be for: the host as the user named it.
  ///
  /// `nil` for a Unix socket, which has no name that a certificate could be for.
  package var certificateName: String? { isUnixSocket ? nil : name ?? host }
}
