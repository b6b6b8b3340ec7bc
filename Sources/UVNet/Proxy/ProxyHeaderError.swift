/// What is wrong with bytes that should be a ``ProxyHeader``.
///
/// More reasons may come with later versions, hence a structure: a `switch` over it has a `default`.
public struct ProxyHeaderError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The reason in words.
  public let description: String

  private init(_ description: String) { self.description = description }

  /// Neither `PROXY ` nor the twelve bytes that version 2 begins with.
  public static let noHeader = ProxyHeaderError("no PROXY header")
  /// A line of version 1 that has no end in ``ProxyHeaderDecoder/maximumTextLength`` bytes.
  public static let endlessLine = ProxyHeaderError(
    "a PROXY line without an end in \(ProxyHeaderDecoder.maximumTextLength) bytes")
  /// A line of version 1 that is not `PROXY TCP4` or `TCP6` with two addresses and two ports, nor
  /// `PROXY UNKNOWN`.
  public static let malformedLine = ProxyHeaderError("a malformed PROXY line")
  /// An address that is not of the family that the line of version 1 names.
  public static let malformedAddress = ProxyHeaderError("a malformed address in a PROXY line")
  /// A port that is not 0 … 65535 in decimal digits without leading zeros.
  public static let malformedPort = ProxyHeaderError("a malformed port in a PROXY line")
  /// The beginning of version 2 with the number of another version.
  public static let unknownVersion = ProxyHeaderError("a PROXY header of an unknown version")
  /// Neither `LOCAL` nor `PROXY`.
  public static let unknownCommand = ProxyHeaderError("a PROXY header with an unknown command")
  /// A family of addresses, or a transport, that the specification does not have.
  public static let unknownFamily = ProxyHeaderError("a PROXY header with an unknown family")
  /// A header of version 2 that is longer than the receiver allows.
  public static let tooLong = ProxyHeaderError("a PROXY header that is too long")
  /// A header of version 2 that ends before its addresses do.
  public static let cutAddresses = ProxyHeaderError("a PROXY header too short for its addresses")
  /// A Unix socket's name that fills all of its 108 bytes and that no socket here can have.
  public static let malformedPath = ProxyHeaderError("a malformed path in a PROXY header")
  /// A vector of type, length and value that goes beyond the header, or a checksum that is not one
  /// of four bytes.
  public static let malformedExtension = ProxyHeaderError("a malformed vector in a PROXY header")
  /// The checksum is another one.
  public static let wrongChecksum = ProxyHeaderError("a PROXY header with a wrong checksum")
  /// The stream ended inside the header.
  public static let truncated = ProxyHeaderError("the stream ended inside the PROXY header")
}
