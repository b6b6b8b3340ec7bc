/// What is wrong with the text of an address.
///
/// More reasons may come with later versions, hence a structure: a `switch` over it has a `default`.
public struct SocketAddressError: Error, Hashable, Sendable {
  /// The reason in words, to be printed after the text that it is about.
  public let description: String

  private init(_ description: String) { self.description = description }

  /// Not four decimal numbers 0 … 255 without leading zeros.
  public static let invalidIPv4 = SocketAddressError(
    "not an IPv4 address (four decimal numbers 0-255, no leading zeros)")
  /// Not an IPv6 address by RFC 4291 section 2.2.
  public static let invalidIPv6 = SocketAddressError("not an IPv6 address")
  /// The zone after `%` is neither an interface of this machine nor its number.
  public static let unknownZone = SocketAddressError("no such network interface after the %")
  /// A link-local address (fe80::/10) without a zone, which says on which interface it is.
  public static let missingZone = SocketAddressError(
    "the zone is missing: which interface, as in fe80::1%eth0")
  /// Not a number 1 … 65535, or 0 where that is allowed.
  public static let invalidPort = SocketAddressError("not a port (1-65535)")
  /// No port, where one is needed.
  public static let missingPort = SocketAddressError("the port is missing")
  /// `[` without `]`.
  public static let unclosedBracket = SocketAddressError("the closing ] is missing")
  /// Nothing where a host should be.
  public static let emptyHost = SocketAddressError("the host is missing")
  /// Longer than any address can be.
  public static let tooLong = SocketAddressError("too long for an address")
  /// No path of a Unix socket where one should be.
  public static let emptyPath = SocketAddressError("the path of the socket is missing")
  /// More than ``UnixAddress/maximumLength`` bytes.
  public static let pathTooLong = SocketAddressError(
    "the path of a socket has at most \(UnixAddress.maximumLength) bytes")
  /// A byte 0 in a path.
  public static let invalidPath = SocketAddressError("not a path")
  /// An abstract name, on another system than Linux.
  public static let noAbstractNames = SocketAddressError("only Linux has abstract names")
  /// Not a number of bits, 0 … 32 or 128, behind the `/` of a network.
  public static let invalidPrefix = SocketAddressError(
    "not a number of bits after the / (0-32, or 0-128 for IPv6)")
  /// An address behind whose prefix bits are set, such as 10.0.0.1/8.
  public static let notANetwork = SocketAddressError(
    "not a network: there are bits set behind its prefix")
  /// A name, where only numeric addresses are understood.
  public static let notNumeric = SocketAddressError("not a numeric address")
}

extension SocketAddressError: CustomStringConvertible {}
