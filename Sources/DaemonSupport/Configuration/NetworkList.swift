package import UVNet

/// Peers as a setting names them: addresses and networks, and `unix` for those on Unix sockets.
package struct NetworkList: Equatable, Sendable {
  private let networks: [IPNetwork]
  /// Whether peers on Unix sockets are among them.
  package let includesUnix: Bool

  /// Reads what a setting says; `nil` where a word is neither an address, a network nor `unix`, and
  /// where there is none.
  package init?(_ text: String) {
    var networks: [IPNetwork] = []
    var includesUnix = false
    for word in text.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }) {
      if word.elementsEqual(Self.unix.utf8) {
        includesUnix = true
      } else if let network = try? IPNetwork(String(Substring(word))) {
        networks.append(network)
      } else {
        return nil
      }
    }
    guard includesUnix || !networks.isEmpty else { return nil }
    self.networks = networks
    self.includesUnix = includesUnix
  }

  private init(_ networks: [IPNetwork]) {
    self.networks = networks
    includesUnix = false
  }

  private static let unix = "unix"

  /// This machine: 127.0.0.1 and ::1.
  package static let loopback = NetworkList([IPNetwork(.loopback), IPNetwork(.loopbackIPv6)])

  /// Whether a peer is among them.
  package func contains(_ peer: Peer) -> Bool {
    switch peer {
    case .tcp(let address): contains(address)
    case .unix: includesUnix
    }
  }

  /// Whether a peer with this address is among them.
  package func contains(_ address: SocketAddress?) -> Bool {
    guard let address else { return false }
    return networks.contains { $0.contains(address.address) }
  }
}

extension NetworkList: CustomStringConvertible {
  /// The words, with a blank between two.
  package var description: String {
    (networks.map(\.description) + (includesUnix ? [Self.unix] : [])).joined(separator: " ")
  }
}
