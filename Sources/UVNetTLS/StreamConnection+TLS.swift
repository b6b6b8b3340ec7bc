#if TLS
  public import UVNet

  extension StreamConnection {
    /// Begins TLS as the server of this connection, before it is started.
    ///
    /// When the handshake is over, start the connection: from then on all that is read and written
    /// passes through TLS. When the peer's stream ends without its `close_notify`, the connection
    /// closes with `UVError.Code.truncated`, and never with an end in order.
    ///
    /// - Parameters:
    ///   - context: How the server speaks TLS.
    ///   - completion: Called once, on the loop's thread and never by this call itself: with what was
    ///     agreed on; or, after the close, with the error that has closed the connection, such as
    ///     `UVError.Code.timedOut` when the handshake took longer than it may.
    public final func startTLS(
      _ context: TLSServerContext,
      completion: @escaping (Result<TLSAgreement, UVError>) -> Void
    ) {
      startTLS(within: context.handshakeTimeout, completion) { () throws(UVError) in
        try TLSSession(context)
      }
    }

    /// Begins TLS as the client of this connection, before it is started.
    ///
    /// It succeeds only when the server's certificate is for `peer`, valid now, and of an authority
    /// that the client trusts. Otherwise as ``startTLS(_:completion:)``.
    ///
    /// - Parameters:
    ///   - context: How the client speaks TLS.
    ///   - peer: Who the server has to be.
    ///   - completion: As for ``startTLS(_:completion:)``.
    public final func startTLS(
      _ context: TLSClientContext, to peer: TLSPeerName,
      completion: @escaping (Result<TLSAgreement, UVError>) -> Void
    ) {
      startTLS(within: context.handshakeTimeout, completion) { () throws(UVError) in
        try TLSSession(context, to: peer)
      }
    }

    private final func startTLS(
      within timeout: Duration, _ completion: @escaping (Result<TLSAgreement, UVError>) -> Void,
      _ makeSession: () throws(UVError) -> TLSSession
    ) {
      let session: TLSSession
      do throws(UVError) {
        session = try makeSession()
      } catch {
        close()
        return loop.nextTick { completion(.failure(error)) }
      }
      begin(TLSTransform(session), within: timeout) { result in
        completion(result.map { TLSAgreement(session) })
      }
    }

    /// What was agreed on in the handshake; `nil` on a connection without TLS, before the handshake
    /// is over, and after the close.
    public final var tls: TLSAgreement? {
      guard let transform = installedTransform as? TLSTransform, transform.session.isEstablished
      else { return nil }
      return TLSAgreement(transform.session)
    }
  }

  /// What the two sides of a connection agreed on in the handshake.
  public struct TLSAgreement: Sendable, Hashable {
    /// The version, such as `TLSv1.3`.
    public let version: String
    /// The cipher, such as `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// The application protocol (ALPN), such as `h2`; `nil` for none.
    public let applicationProtocol: String?
    /// The name that the client has asked for (SNI); `nil` for none.
    public let serverName: String?
    /// The subject of the peer's certificate as RFC 2253 writes it, such as `CN=example.org`; `nil`
    /// when it has shown none.
    public let peerSubject: String?
    /// Whether an earlier session was resumed, which saves most of a handshake's cost.
    public let isResumed: Bool

    init(_ session: TLSSession) {
      version = session.version
      cipher = session.cipher
      applicationProtocol = session.applicationProtocol
      serverName = session.serverName
      peerSubject = session.peerSubject
      isResumed = session.isResumed
    }
  }

  /// The OpenSSL that the program runs with.
  public enum OpenSSL {
    /// The name and version, such as `OpenSSL 3.0.19 27 Jan 2026`.
    public static var version: String { TLSSession.libraryVersion }
  }
#endif
