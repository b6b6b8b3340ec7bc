extension IPAddress {
  /// Whether it is the address of a multicast group: 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291).
  public var isMulticast: Bool {
    switch storage {
    case .v4(let bits): bits >> 28 == 0xe
    case .v6(let high, _, _): high >> 56 == 0xff
    }
  }

  /// An IPv4 address as an IPv6 socket writes it, `::ffff:10.0.0.1` (RFC 4291 section 2.5.5.2).
  var mapped: IPAddress {
    guard case .v4(let bits) = storage else { return self }
    return IPAddress(storage: .v6(high: 0, low: 0xffff_0000_0000 | UInt64(bits), scope: 0))
  }

  /// The IPv4 address inside an IPv4-mapped one; any other address unchanged.
  var unmapped: IPAddress {
    guard case .v6(high: 0, let low, _) = storage, low >> 32 == 0xffff else { return self }
    return IPAddress(storage: .v4(UInt32(truncatingIfNeeded: low)))
  }
}

extension SocketAddress {
  var mapped: SocketAddress { SocketAddress(address.mapped, port: port) }
  /// An IPv4 address where an IPv6 socket writes it in its own way; any other unchanged.
  package var unmapped: SocketAddress { SocketAddress(address.unmapped, port: port) }
}
