/// A network of IP addresses, such as `10.0.0.0/8`, or one address alone.
public struct IPNetwork: Hashable, Sendable {
  /// The first address of the network.
  public let address: IPAddress

  /// The number of bits that all of its addresses have in common: 0 … 32 for IPv4, 0 … 128 for IPv6.
  public let prefixLength: Int

  /// The network of one address.
  public init(_ address: IPAddress) { self.init(address, address.isIPv6 ? 128 : 32) }

  private init(_ address: IPAddress, _ prefixLength: Int) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Parses a network or an address, strictly.
  ///
  /// - Parameter text: `10.0.0.0/8`, `2001:db8::/32`, `127.0.0.1`, `::1`; no zone.
  /// - Throws: What is wrong with the text; ``SocketAddressError/invalidPrefix``, and
  ///   ``SocketAddressError/notANetwork`` for an address such as `10.0.0.1/8`.
  public init(_ text: String) throws(SocketAddressError) {
    let parts = text.utf8.split(
      separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false
    ).map { Substring($0) }
    let address = try IPAddress(String(parts[0]))
    guard !parts[0].utf8.contains(UInt8(ascii: "%")) else { throw SocketAddressError.invalidIPv6 }
    guard parts.count == 2 else {
      self.init(address)
      return
    }
    let digits = parts[1].utf8
    guard (1...3).contains(digits.count),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      digits.count == 1 || digits.first != UInt8(ascii: "0"), let length = Int(parts[1]),
      length <= (address.isIPv6 ? 128 : 32)
    else { throw SocketAddressError.invalidPrefix }
    guard Self.prefix(of: address, length) == address else { throw SocketAddressError.notANetwork }
    self.init(address, length)
  }

  /// Whether an address is one of the network's.
  ///
  /// An IPv4 address is one as well where a socket for IPv6 writes it, `::ffff:10.0.0.1`. Zones do not
  /// matter.
  public func contains(_ address: IPAddress) -> Bool {
    let other = self.address.isIPv6 ? address.mapped : address.unmapped
    return Self.prefix(of: other, prefixLength) == self.address
  }

  /// An address with all bits but the first `length` cleared.
  private static func prefix(of address: IPAddress, _ length: Int) -> IPAddress {
    switch address.storage {
    case .v4(let bits):
      let mask = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
      return IPAddress(storage: .v4(bits & mask))
    case .v6(let high, let low, _):
      let highMask = length == 0 ? 0 : length >= 64 ? .max : UInt64.max << UInt64(64 - length)
      let lowMask = length <= 64 ? 0 : UInt64.max << UInt64(128 - length)
      return IPAddress(storage: .v6(high: high & highMask, low: low & lowMask, scope: 0))
    }
  }
}

extension IPNetwork: CustomStringConvertible {
  /// `10.0.0.0/8`; an address alone as such.
  public var description: String {
    prefixLength == (address.isIPv6 ? 128 : 32) ? "\(address)" : "\(address)/\(prefixLength)"
  }
}
