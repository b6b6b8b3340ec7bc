/// What a proxy says of a connection that it passes on: the header of the PROXY protocol, version 1 or 2.
///
/// A proxy such as HAProxy sends it once, before anything else, so that a server knows the client's
/// address and not only the proxy's
/// (<https://github.com/haproxy/haproxy/blob/master/doc/proxy-protocol.txt>). Whoever can connect can
/// write one: believe only those peers that are known to be proxies, such as by ``IPNetwork``, and
/// never guess from the bytes whether there is a header.
///
/// ``StreamConnection/readProxyHeader(within:maximumLength:completion:)`` reads the header of a
/// connection, and ``ProxyHeaderDecoder`` finds one in bytes.
public struct ProxyHeader: Hashable, Sendable {
  /// The version of the header: 1 is a line of text, 2 is binary.
  public let version: Int

  /// Whether the connection is the proxy's own (`LOCAL`), such as one to see whether the server is
  /// well; then nothing else is said.
  public let isLocal: Bool

  /// What the client speaks with the proxy.
  public let transport: Transport

  /// The client's end of its connection with the proxy; `nil` where the proxy does not say.
  ///
  /// The client is then to be known by the proxy's own address.
  public let source: Endpoint?

  /// The proxy's end of that connection, where the client wanted to go; `nil` where there is no
  /// ``source``.
  public let destination: Endpoint?

  /// What else is said, in version 2 alone (type-length-value vectors), in its order.
  ///
  /// The checksum (CRC-32C) has been checked and is not among them, nor is padding.
  public let extensions: [Extension]

  /// Puts a header together; for embedders' own tests.
  ///
  /// - Parameters:
  ///   - version: 1 or 2.
  ///   - isLocal: Whether the connection is the proxy's own.
  ///   - transport: What the client speaks.
  ///   - source: The client's end.
  ///   - destination: The proxy's end.
  ///   - extensions: What else is said.
  public init(
    version: Int, isLocal: Bool = false, transport: Transport = .unspecified,
    source: Endpoint? = nil, destination: Endpoint? = nil, extensions: [Extension] = []
  ) {
    self.version = version
    self.isLocal = isLocal
    self.transport = transport
    self.source = source
    self.destination = destination
    self.extensions = extensions
  }
}

extension ProxyHeader {
  /// What a client speaks with a proxy.
  ///
  /// More may come with later versions, hence a structure: a `switch` over it has a `default`.
  public struct Transport: Hashable, Sendable, CustomStringConvertible {
    /// The transport in one word.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The proxy does not say.
    public static let unspecified = Transport("unspecified")
    /// A stream: TCP, or a Unix socket.
    public static let stream = Transport("stream")
    /// Datagrams: UDP, or a Unix socket.
    public static let datagrams = Transport("datagrams")
  }

  /// One end of the client's connection: an address with a port, or a Unix socket.
  public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// The address and the port; `nil` for a Unix socket.
    public let socketAddress: SocketAddress?

    /// The Unix socket's name; `nil` for an address, and for a socket without a name, as a client's is.
    public let unixAddress: UnixAddress?

    /// An end with an IP address.
    public init(_ address: SocketAddress) {
      socketAddress = address
      unixAddress = nil
    }

    /// An end of a Unix socket, which may have no name.
    public init(unix address: UnixAddress?) {
      socketAddress = nil
      unixAddress = address
    }

    /// `192.0.2.1:56324`, `unix:/run/server.sock`, or `unix:` for a socket without a name.
    public var description: String {
      socketAddress?.description ?? unixAddress?.description ?? "unix:"
    }
  }

  /// One more thing that a proxy says, such as the name that a client has asked for.
  public struct Extension: Hashable, Sendable {
    /// What it is.
    public let type: ExtensionType
    /// Its bytes, as they came.
    public let value: [UInt8]

    /// Puts one together.
    public init(_ type: ExtensionType, _ value: [UInt8]) {
      self.type = type
      self.value = value
    }
  }

  /// What an ``Extension`` is; section 2.2 of the specification has the registered numbers.
  public struct ExtensionType: RawRepresentable, Hashable, Sendable {
    /// The number.
    public let rawValue: UInt8

    /// Takes a number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The application protocol, as ALPN names it (RFC 7301).
    public static let applicationProtocol = ExtensionType(rawValue: 0x01)
    /// The name of the host that the client has asked for, in UTF-8, such as by SNI.
    public static let authority = ExtensionType(rawValue: 0x02)
    /// What the proxy calls this connection: up to 128 bytes.
    public static let uniqueID = ExtensionType(rawValue: 0x05)
    /// What was agreed on in the client's TLS, as section 2.2.6 of the specification has it.
    public static let tls = ExtensionType(rawValue: 0x20)
    /// The name of the network namespace, in ASCII.
    public static let networkNamespace = ExtensionType(rawValue: 0x30)

    static let checksum = ExtensionType(rawValue: 0x03)
    static let padding = ExtensionType(rawValue: 0x04)
  }
}
