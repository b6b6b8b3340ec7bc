#if TLS
  internal import COpenSSL
  package import UVNet

  /// TLS between two memories, without a socket or a clock.
  ///
  /// Records of the peer go in, and bytes for the program come out; and the other way round.
  /// Everything is for one thread.
  @safe package final class TLSSession {
    /// What comes of the peer's records, one after another.
    package enum Event: Equatable {
      /// The handshake is over, and the peer is who it has to be.
      case established
      /// Bytes for the program, as many as this, are in the buffer.
      case data(Int)
      /// All that was given has been used.
      case needsInput
      /// The peer has ended its stream in order; no other event follows.
      case ended
      /// Nothing can be sent or received any more; what there was to say to the peer has been sent.
      case failed(UVError)
    }

    private let ssl: OpaquePointer
    /// What OpenSSL calls back into; it keeps no reference to that itself.
    private let owner: AnyObject
    /// What the peer's session is remembered by, in a client.
    private let remembered: (sessions: SessionCache, peer: String)?
    /// Whether the handshake begins with records of this side.
    let speaksFirst: Bool
    package private(set) var isEstablished = false
    private var failure: UVError?
    /// The subject of the certificate that was found wrong.
    var refused: String?
    /// The peer's first bytes.
    private var firstMessage = FirstMessage()
    /// Messages other than data since data last came: tickets, new keys.
    private var messagesWithoutData = 0
    /// Records of the peer that have not been used; valid during a call only.
    private var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Takes records for the peer.
    package var send: (RawSpan) -> Void = { _ in }

    /// Messages after the handshake that a peer may send without data between them.
    static let mostMessagesWithoutData = 64

    /// A server's side of a connection.
    package convenience init(_ server: TLSServerContext) throws(UVError) {
      try self.init(server.context, of: server, speaksFirst: false, remembered: nil)
      unsafe SSL_set_accept_state(ssl)
    }

    /// A client's side of a connection to `peer`.
    package convenience init(_ client: TLSClientContext, to peer: TLSPeerName) throws(UVError) {
      try self.init(
        client.context, of: client, speaksFirst: true,
        remembered: (client.sessions, peer.description))
      unsafe SSL_set_connect_state(ssl)
      guard unsafe peer.install(in: ssl) else {
        ERR_clear_error()
        throw UVError(.invalidArgument, during: .handshake, detail: "the name cannot be verified")
      }
      if let session = unsafe client.sessions.take(for: peer.description) {
        unsafe SSL_set_session(ssl, session)
        unsafe SSL_SESSION_free(session)
      }
    }

    private init(
      _ context: TLSContext, of owner: AnyObject, speaksFirst: Bool,
      remembered: (sessions: SessionCache, peer: String)?
    ) throws(UVError) {
      self.owner = owner
      self.speaksFirst = speaksFirst
      guard let ssl = unsafe SSL_new(context.raw) else {
        ERR_clear_error()
        throw UVError(.outOfMemory, during: .handshake)
      }
      unsafe self.ssl = unsafe ssl
      self.remembered = remembered
      guard let bio = unsafe TLSRecords.makeBIO(for: self) else {
        throw UVError(.outOfMemory, during: .handshake)
      }
      unsafe SSL_set_bio(ssl, bio, bio)
      unsafe SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
      unsafe SSL_set_msg_callback(ssl) { isSent, _, type, _, _, ssl, _ in
        guard isSent == 0, type == SSL3_RT_HANDSHAKE, let ssl = unsafe ssl else { return }
        unsafe TLSSession.of(ssl)?.didReceiveMessage()
      }
    }

    deinit { unsafe SSL_free(ssl) }

    /// OpenSSL's name and version.
    static var libraryVersion: String {
      unsafe OpenSSL_version(OPENSSL_VERSION).map { unsafe String(cString: $0) } ?? "OpenSSL"
    }

    /// For tests, which play odd peers.
    package func withRaw(_ body: (OpaquePointer) -> Void) { unsafe body(ssl) }

    static func of(_ ssl: OpaquePointer) -> TLSSession? {
      guard let data = unsafe SSL_get_ex_data(ssl, 0) else { return nil }
      return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }
  }

  // MARK: - The peer's records

  extension TLSSession {
    /// Uses records of the peer's; calls `body` with each event, until it has enough.
    ///
    /// - Parameters:
    ///   - records: As they came, cut anywhere.
    ///   - buffer: Where bytes for the program are put.
    ///   - body: Called with each event; returns whether to go on.
    /// - Returns: How many bytes of `records` were used: all, unless `body` had enough.
    package func receive(
      _ records: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer,
      _ body: (Event) -> Bool
    ) -> Int {
      // The first failure stays.
      if failure == nil, !firstMessage.isJudged, let error = unsafe firstMessage.judge(records) {
        failure = error
      }
      unsafe input = unsafe records
      var event: Event
      repeat { event = unsafe next(into: buffer) } while body(event) && !event.isLast
      let unused = unsafe input.count
      unsafe input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
      return records.count - unused
    }

    private func next(into buffer: UnsafeMutableRawBufferPointer) -> Event {
      if let failure { return .failed(failure) }
      ERR_clear_error()
      guard isEstablished else { return continueHandshake() }
      var count = 0
      while count < buffer.count {
        var taken = 0
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
        let status = unsafe SSL_read_ex(ssl, rest.baseAddress, rest.count, &taken)
        guard status == 1 else {
          // What is wrong after data comes again with the next call.
          if count > 0 { break }
          return endOfReading(status)
        }
        messagesWithoutData = 0
        count += taken
      }
      return .data(count)
    }

    private func continueHandshake() -> Event {
      let status = unsafe SSL_do_handshake(ssl)
      if status == 1 {
        isEstablished = true
        messagesWithoutData = 0
        return .established
      }
      return unsafe SSL_get_error(ssl, status) == SSL_ERROR_WANT_READ
        ? .needsInput : fail(during: .handshake)
    }

    private func endOfReading(_ status: Int32) -> Event {
      switch unsafe SSL_get_error(ssl, status) {
      case SSL_ERROR_ZERO_RETURN: return .ended
      case SSL_ERROR_WANT_READ:
        guard messagesWithoutData <= Self.mostMessagesWithoutData else {
          return fail(TLSFailure.tls(.excessive, detail: "messages without data", during: .read))
        }
        return .needsInput
      default: return fail(during: .read)
      }
    }

    /// The transport's stream has ended.
    ///
    /// - Returns: ``Event/ended`` when the peer had ended the session before, else a failure.
    package func inputEnded() -> Event {
      if let failure { return .failed(failure) }
      if unsafe SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 { return .ended }
      return fail(
        TLSFailure.tls(.truncated, during: isEstablished ? .read : .handshake))
    }

    private func didReceiveMessage() {
      if isEstablished { messagesWithoutData += 1 }
    }

    fileprivate func fail(during operation: UVError.Operation) -> Event {
      let error = TLSFailure.takeError()
      let verification = unsafe SSL_get_verify_result(ssl)
      return fail(
        TLSFailure.error(error, verification: verification, subject: refused, during: operation))
    }

    private func fail(_ error: UVError) -> Event {
      failure = error
      return .failed(error)
    }
  }

  extension TLSSession.Event {
    fileprivate var isLast: Bool {
      switch self {
      case .established, .data: false
      case .needsInput, .ended, .failed: true
      }
    }
  }

  // MARK: - The program's bytes

  extension TLSSession {
    /// Sends bytes of the program's.
    ///
    /// - Throws: ``UVError/Code/notConnected`` before the session is established and after
    ///   ``end()``; what the session has failed with.
    package func write(_ bytes: RawSpan) throws(UVError) {
      if let failure { throw failure }
      guard isEstablished, unsafe SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else {
        throw UVError(.notConnected, during: .write)
      }
      guard bytes.byteCount > 0 else { return }
      ERR_clear_error()
      var written = 0
      let status = unsafe bytes.withUnsafeBytes { bytes in
        unsafe SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written)
      }
      // Records are taken by memory, which never asks to wait.
      if status != 1, case .failed(let error) = fail(during: .write) { throw error }
    }

    /// Ends the program's stream in order: sends `close_notify` once.
    ///
    /// Nothing is sent before the session is established, or after it failed.
    package func end() {
      guard isEstablished, failure == nil else { return }
      ERR_clear_error()
      unsafe SSL_shutdown(ssl)
      ERR_clear_error()
    }
  }

  // MARK: - What was agreed on

  extension TLSSession {
    /// The version and cipher, once established.
    var version: String { unsafe SSL_get_version(ssl).map { unsafe String(cString: $0) } ?? "" }
    var cipher: String {
      unsafe SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { unsafe String(cString: $0) }
        ?? ""
    }

    /// Whether an earlier session was resumed.
    var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// What the two sides agreed on by ALPN.
    var applicationProtocol: String? {
      var name: UnsafePointer<UInt8>?
      var count: UInt32 = 0
      unsafe SSL_get0_alpn_selected(ssl, &name, &count)
      guard count > 0 else { return nil }
      return unsafe String(
        decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }

    /// The subject of the peer's certificate, when it has shown one.
    var peerSubject: String? {
      guard let certificate = unsafe SSL_get0_peer_certificate(ssl) else { return nil }
      return unsafe PEM.subject(of: certificate)
    }

    /// The name that the client has asked for.
    var serverName: String? {
      unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
    }

    /// Keeps a session that the peer offers; whether the reference is used.
    func remember(_ session: OpaquePointer) -> Bool {
      guard let remembered else { return false }
      return unsafe remembered.sessions.insert(session, for: remembered.peer)
    }
  }

  // MARK: - Records, as OpenSSL sees them

  extension TLSSession {
    /// Gives OpenSSL up to `count` bytes of the peer's records.
    fileprivate func takeInput(_ bytes: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
      let taken = unsafe min(count, input.count)
      guard taken > 0 else { return 0 }
      unsafe UnsafeMutableRawPointer(bytes).copyMemory(
        from: input.baseAddress.unsafelyUnwrapped, byteCount: taken)
      unsafe input = unsafe UnsafeRawBufferPointer(rebasing: input[taken...])
      return taken
    }
  }

  /// The way of records between OpenSSL and a ``TLSSession``: a BIO that never copies more than it
  /// has to, and keeps nothing.
  private enum TLSRecords {
    /// OpenSSL's description of the way; made once, and never freed.
    @safe private struct Method: @unchecked Sendable {
      let raw: OpaquePointer?
    }

    private static let method: Method = {
      let raw = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "UVNetTLS")
      guard let raw = unsafe raw else { return unsafe Method(raw: nil) }
      unsafe BIO_meth_set_read(raw) { bio, bytes, count in
        guard let bio = unsafe bio, let bytes = unsafe bytes, count > 0 else { return 0 }
        unsafe cssl_clear_retry(bio)
        let taken = unsafe session(of: bio)?.takeInput(bytes, Int(count)) ?? 0
        guard taken > 0 else {
          unsafe cssl_retry_read(bio)
          return -1
        }
        return Int32(taken)
      }
      unsafe BIO_meth_set_write(raw) { bio, bytes, count in
        guard let bio = unsafe bio, let bytes = unsafe bytes, count > 0 else { return 0 }
        unsafe cssl_clear_retry(bio)
        unsafe session(of: bio)?.send(
          UnsafeRawBufferPointer(start: bytes, count: Int(count)).bytes)
        return count
      }
      unsafe BIO_meth_set_ctrl(raw) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
      return unsafe Method(raw: raw)
    }()

    static func makeBIO(for session: TLSSession) -> OpaquePointer? {
      guard let raw = unsafe method.raw, let bio = unsafe BIO_new(raw) else { return nil }
      unsafe BIO_set_data(bio, Unmanaged.passUnretained(session).toOpaque())
      unsafe BIO_set_init(bio, 1)
      return unsafe bio
    }

    private static func session(of bio: OpaquePointer) -> TLSSession? {
      guard let data = unsafe BIO_get_data(bio) else { return nil }
      return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }
  }
#endif
