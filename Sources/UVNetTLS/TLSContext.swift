#if TLS
  internal import COpenSSL
  internal import Synchronization
  public import UVNet

  /// What all connections of a server have in common: its options, checked and made ready.
  ///
  /// It does not change and may be used by any thread. A server whose certificates are replaced makes
  /// another, and gives it to the connections that come from then on.
  public final class TLSServerContext: Sendable {
    let context: TLSContext
    /// Those that are chosen by the name that a client asks for.
    let byName: [String: TLSContext]
    let handshakeTimeout: Duration

    /// Checks the options and makes them ready.
    ///
    /// - Parameter options: How the server speaks TLS.
    /// - Throws: `UVError.Code.badCredentials` for an identity or authorities that OpenSSL
    ///   refuses, such as a key that is too weak; `UVError.Code.invalidArgument` for an option
    ///   outside its range; the system's error when the key log cannot be opened.
    public init(_ options: TLSServerOptions) throws(UVError) {
      let keyLog = try options.keyLog.map { path throws(UVError) in try KeyLog(path) }
      context = try Self.make(options, options.identity, keyLog)
      var byName: [String: TLSContext] = [:]
      for (name, identity) in options.identities {
        byName[name.lowercased()] = try Self.make(options, identity, keyLog)
      }
      self.byName = byName
      handshakeTimeout = options.handshakeTimeout
      context.chooseByName(self)
    }

    private static func make(
      _ options: TLSServerOptions, _ identity: TLSIdentity, _ keyLog: KeyLog?
    ) throws(UVError) -> TLSContext {
      guard (0...8).contains(options.sessionTickets) else {
        throw UVError(
          .invalidArgument, during: .initialize, detail: "sessionTickets is not 0 to 8")
      }
      let context = try TLSContext(
        isServer: true, options.minimumVersion, options.applicationProtocols, keyLog)
      try unsafe identity.install(in: context.raw)
      try context.askForCertificates(options.clientCertificates)
      context.setSessionTickets(options.sessionTickets)
      return context
    }

    /// The context for clients that ask for `name`.
    func context(for name: String) -> TLSContext? {
      guard !byName.isEmpty else { return nil }
      let name = name.lowercased()
      if let exact = byName[name] { return exact }
      guard let dot = name.firstIndex(of: ".") else { return nil }
      return byName["*" + name[dot...]]
    }
  }

  /// What all connections of a client have in common: its options, checked and made ready, and the
  /// sessions that it may resume.
  ///
  /// It may be used by any thread.
  public final class TLSClientContext: Sendable {
    let context: TLSContext
    let handshakeTimeout: Duration
    let sessions: SessionCache

    /// Checks the options and makes them ready.
    ///
    /// - Parameter options: How the client speaks TLS.
    /// - Throws: As ``TLSServerContext/init(_:)`` does.
    public init(_ options: TLSClientOptions = TLSClientOptions()) throws(UVError) {
      guard (0...65536).contains(options.rememberedSessions) else {
        throw UVError(
          .invalidArgument, during: .initialize, detail: "rememberedSessions is not 0 to 65536")
      }
      let keyLog = try options.keyLog.map { path throws(UVError) in try KeyLog(path) }
      context = try TLSContext(
        isServer: false, options.minimumVersion, options.applicationProtocols, keyLog)
      try unsafe options.trust.install(in: context.raw)
      context.verifyPeers(SSL_VERIFY_PEER)
      try unsafe options.identity?.install(in: context.raw)
      handshakeTimeout = options.handshakeTimeout
      sessions = SessionCache(limit: options.rememberedSessions)
      context.rememberSessions()
    }
  }

  /// OpenSSL's context, which counts references and locks by itself once it is set up.
  @safe final class TLSContext: @unchecked Sendable {
    let raw: OpaquePointer
    private let keyLog: KeyLog?
    /// ALPN's list as it is on the wire: each protocol after its length.
    private let applicationProtocols: [UInt8]

    init(
      isServer: Bool, _ minimumVersion: TLSVersion, _ protocols: [String], _ keyLog: KeyLog?
    ) throws(UVError) {
      // First: nothing would free OpenSSL's context if this threw before all properties have values.
      applicationProtocols = try Self.wireFormat(of: protocols)
      let method = unsafe isServer ? TLS_server_method() : TLS_client_method()
      guard let raw = unsafe SSL_CTX_new(method) else {
        throw UVError(.outOfMemory, during: .initialize)
      }
      unsafe self.raw = unsafe raw
      self.keyLog = keyLog
      let isSet =
        unsafe cssl_set_protocol_versions(raw, minimumVersion.number, TLSVersion.v1_3.number) == 1
        && SSL_CTX_set_cipher_list(raw, Self.ciphersBefore1_3) == 1
        && cssl_set_groups(raw, Self.groups) == 1
      guard isSet else { throw PEM.error("OpenSSL refuses the versions or ciphers") }
      // 112 bits: RSA keys of 2048 bits and up, and no SHA-1.
      unsafe SSL_CTX_set_security_level(raw, 2)
      unsafe cssl_set_options(raw)
      // An idle connection holds no buffers.
      unsafe cssl_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS))
      unsafe cssl_set_session_cache_mode(raw, Int(SSL_SESS_CACHE_OFF))
      unsafe SSL_CTX_set_ex_data(raw, 0, Unmanaged.passUnretained(self).toOpaque())
      if isServer {
        installProtocolChoice()
      } else if !applicationProtocols.isEmpty {
        // It returns 0 for success.
        unsafe SSL_CTX_set_alpn_protos(
          raw, applicationProtocols, UInt32(applicationProtocols.count))
      }
      if keyLog != nil { installKeyLog() }
    }

    deinit { unsafe SSL_CTX_free(raw) }

    /// With forward secrecy and authenticated encryption; those of TLS 1.3 are OpenSSL's.
    private static let ciphersBefore1_3 = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"

    /// Without the groups of finite fields, whose handshakes cost many times as much: any client could
    /// ask for them.
    private static let groups = "X25519:P-256:P-384:P-521"

    private static func wireFormat(of protocols: [String]) throws(UVError) -> [UInt8] {
      var bytes: [UInt8] = []
      for name in protocols {
        guard (1...255).contains(name.utf8.count) else {
          throw UVError(
            .invalidArgument, during: .initialize,
            detail: "an application protocol is not 1 to 255 bytes long")
        }
        bytes.append(UInt8(name.utf8.count))
        bytes += name.utf8
      }
      return bytes
    }

    /// Has the chain of each peer checked, and remembers what is wrong with which certificate.
    fileprivate func verifyPeers(_ mode: Int32) {
      unsafe SSL_CTX_set_verify(raw, mode) { isGood, chain in
        guard isGood == 0, let chain = unsafe chain,
          let ssl = unsafe X509_STORE_CTX_get_ex_data(
            chain, SSL_get_ex_data_X509_STORE_CTX_idx()),
          let certificate = unsafe X509_STORE_CTX_get_current_cert(chain)
        else { return isGood }
        unsafe TLSSession.of(OpaquePointer(ssl))?.refused = unsafe PEM.subject(of: certificate)
        return isGood
      }
    }

    static func of(_ raw: OpaquePointer?) -> TLSContext? {
      guard let raw = unsafe raw, let data = unsafe SSL_CTX_get_ex_data(raw, 0) else { return nil }
      return unsafe Unmanaged<TLSContext>.fromOpaque(data).takeUnretainedValue()
    }
  }

  // MARK: - A server's

  extension TLSContext {
    fileprivate func askForCertificates(
      _ asked: TLSServerOptions.ClientCertificates
    ) throws(UVError) {
      guard let trust = asked.trust else { return }
      try unsafe trust.install(in: raw)
      trust.nameAuthorities(in: self)
      let mode = SSL_VERIFY_PEER | (asked.isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
      verifyPeers(mode)
    }

    /// Sessions are in the tickets that clients keep: the server remembers none.
    fileprivate func setSessionTickets(_ count: Int) {
      let name = Array("UVNet".utf8)
      unsafe SSL_CTX_set_session_id_context(raw, name, UInt32(name.count))
      unsafe SSL_CTX_set_num_tickets(raw, count)
      if count == 0 { unsafe cssl_disable_tickets(raw) }
    }

    fileprivate func chooseByName(_ server: TLSServerContext) {
      guard !server.byName.isEmpty else { return }
      unsafe cssl_set_server_name_callback(
        raw,
        { ssl, _, argument in
          guard let ssl = unsafe ssl, let argument = unsafe argument,
            let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
          else { return SSL_TLSEXT_ERR_NOACK }
          let server = unsafe Unmanaged<TLSServerContext>.fromOpaque(argument).takeUnretainedValue()
          guard let chosen = server.context(for: unsafe String(cString: name)) else {
            return SSL_TLSEXT_ERR_OK
          }
          return unsafe SSL_set_SSL_CTX(ssl, chosen.raw) == nil
            ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK
        }, Unmanaged.passUnretained(server).toOpaque())
    }

    private func installProtocolChoice() {
      guard !applicationProtocols.isEmpty else { return }
      unsafe SSL_CTX_set_alpn_select_cb(
        raw,
        { _, chosen, chosenCount, offered, offeredCount, argument in
          guard let chosen = unsafe chosen, let argument = unsafe argument else {
            return SSL_TLSEXT_ERR_ALERT_FATAL
          }
          let context = unsafe Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
          return unsafe context.applicationProtocols.withUnsafeBufferPointer { ours in
            // Its result points into one of the two lists, which both outlive the call.
            var found: UnsafeMutablePointer<UInt8>?
            let status = unsafe SSL_select_next_proto(
              &found, chosenCount, ours.baseAddress, UInt32(ours.count), offered, offeredCount)
            guard status == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            unsafe chosen.pointee = unsafe UnsafePointer(found)
            return SSL_TLSEXT_ERR_OK
          }
        }, Unmanaged.passUnretained(self).toOpaque())
    }
  }

  // MARK: - A client's

  extension TLSContext {
    fileprivate func rememberSessions() {
      unsafe cssl_set_session_cache_mode(
        raw, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
      unsafe SSL_CTX_sess_set_new_cb(raw) { ssl, session in
        guard let ssl = unsafe ssl, let session = unsafe session else { return 0 }
        // 1 says that the reference is ours now.
        return unsafe TLSSession.of(ssl)?.remember(session) == true ? 1 : 0
      }
    }
  }

  // MARK: - Keys for debuggers

  extension TLSContext {
    private func installKeyLog() {
      unsafe SSL_CTX_set_keylog_callback(raw) { ssl, line in
        guard let ssl = unsafe ssl, let line = unsafe line else { return }
        unsafe TLSContext.of(SSL_get_SSL_CTX(ssl))?.keyLog?.append(line)
      }
    }
  }
#endif
