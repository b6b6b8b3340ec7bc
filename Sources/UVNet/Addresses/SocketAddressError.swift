/// What is wrong with the text of an address.
public enum SocketAddressError: Error, Hashable, Sendable {
  /// Not four decimal numbers 0 … 255 without leading zeros.
  case invalidIPv4
  /// Not an IPv6 address by RFC 4291 section 2.2.
  case invalidIPv6
  /// The zone after `%` is neither an interface of this machine nor its number.
  case unknownZone
  /// A link-local address (fe80::/10) without a zone, which says on which interface it is.
  case missingZone
  /// Not a number 1 … 65535, or 0 where that is allowed.
  case invalidPort
  /// No port, where one is needed.
  case missingPort
  /// `[` without `]`.
  case unclosedBracket
  /// Nothing where a host should be.
  case emptyHost
  /// Longer than any address can be.
  case tooLong
  /// A name, where only numeric addresses are understood.
  case notNumeric
}

extension SocketAddressError: CustomStringConvertible {
  /// The reason in words, to stand behind the text that it is about.
  public var description: String {
    switch self {
    case .invalidIPv4: "not an IPv4 address (four decimal numbers 0-255, no leading zeros)"
    case .invalidIPv6: "not an IPv6 address"
    case .unknownZone: "no such network interface after the %"
    case .missingZone: "the zone is missing: which interface, as in fe80::1%eth0"
    case .invalidPort: "not a port (1-65535)"
    case .missingPort: "the port is missing"
    case .unclosedBracket: "the closing ] is missing"
    case .emptyHost: "the host is missing"
    case .tooLong: "too long for an address"
    case .notNumeric: "not a numeric address"
    }
  }
}
