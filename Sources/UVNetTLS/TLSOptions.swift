#if TLS
  /// How a server speaks TLS.
  public struct TLSServerOptions: Sendable {
    /// Who the server is.
    public var identity: TLSIdentity

    /// Who the server is for clients that name it (SNI, RFC 6066), by that name in lower case.
    ///
    /// A name such as `*.example.org` stands for one more label. Other clients get ``identity``.
    public var identities: [String: TLSIdentity] = [:]

    /// Whether clients show a certificate.
    public var clientCertificates = ClientCertificates.notAsked

    /// The oldest version that is spoken; the newest is TLS 1.3.
    public var minimumVersion = TLSVersion.v1_2

    /// The application protocols (ALPN, RFC 7301) that the server speaks, such as `h2`.
    ///
    /// The one that it likes best comes first; each has 1 to 255 bytes. When there is none, whatever the
    /// client asks for is ignored.
    ///
    /// A client that asks for others only is refused.
    public var applicationProtocols: [String] = []

    /// How long a handshake may take.
    public var handshakeTimeout = Duration.seconds(10)

    /// Session tickets that a TLS 1.3 client gets after the handshake, 0 to 8; with 0 no session of
    /// any version is resumed.
    public var sessionTickets = 2

    /// A file that gets the keys of every connection, for a debugger such as Wireshark; `nil` for none.
    ///
    /// Its format is that of `SSLKEYLOGFILE`. Whoever reads it can read the connections.
    public var keyLog: String?

    /// Options with what has no default.
    ///
    /// - Parameter identity: Who the server is.
    public init(identity: TLSIdentity) { self.identity = identity }

    /// Whether a server asks its clients for certificates.
    public struct ClientCertificates: Sendable {
      let trust: TLSTrust?
      let isRequired: Bool

      /// They are not asked for.
      public static let notAsked = ClientCertificates(trust: nil, isRequired: false)

      /// One that a client shows has to be of these authorities; a client may show none.
      ///
      /// - Parameter trust: The authorities.
      /// - Returns: What a server asks for.
      public static func optional(_ trust: TLSTrust) -> ClientCertificates {
        ClientCertificates(trust: trust, isRequired: false)
      }

      /// Each client has to show one of these authorities.
      ///
      /// - Parameter trust: The authorities.
      /// - Returns: What a server asks for.
      public static func required(_ trust: TLSTrust) -> ClientCertificates {
        ClientCertificates(trust: trust, isRequired: true)
      }
    }
  }

  /// How a client speaks TLS.
  public struct TLSClientOptions: Sendable {
    /// The authorities that say who a server is.
    public var trust = TLSTrust.system

    /// Who the client is, for servers that ask; `nil` for nobody.
    public var identity: TLSIdentity?

    /// The oldest version that is spoken; the newest is TLS 1.3.
    public var minimumVersion = TLSVersion.v1_2

    /// The application protocols (ALPN, RFC 7301) to ask for, the one the client likes best first;
    /// each of 1 to 255 bytes.
    public var applicationProtocols: [String] = []

    /// How long a handshake may take.
    public var handshakeTimeout = Duration.seconds(10)

    /// How many servers a session is remembered of, for a cheaper next handshake: 0 to 65 536.
    public var rememberedSessions = 64

    /// A file that gets the keys of every connection; see ``TLSServerOptions/keyLog``.
    public var keyLog: String?

    /// Options that verify the server by the system's authorities.
    public init() {}
  }
#endif
