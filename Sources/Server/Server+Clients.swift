import ProgramSupport
import TestTaskProto
import UVNet

extension Server {
  /// Opens the listening socket and tells where it is.
  func listen() throws {
    let address = try SocketAddress(
      host: configuration.address, port: UInt16(clamping: configuration.port))
    // One set for all connections: they find their session by their tag.
    let handlers = StreamConnection.Handlers(
      onData: { [unowned self] connection, bytes in
        if let session = session(of: connection) { receive(bytes, from: session) }
      },
      onEnd: { [unowned self] connection in
        if let session = session(of: connection) { receiveEnd(of: session) }
      },
      onDrain: { [unowned self] connection in
        if let session = session(of: connection) { goOn(session) }
      },
      onClose: { [unowned self] connection, reason in closed(connection, reason) })
    let listener = try TCPListener.listen(
      at: address, on: loop,
      options: listenerOptions,
      onError: { [unowned self] _, error in reportAcceptFailure(error) },
      onConnection: { [unowned self] _, connection in accept(connection, handlers) })
    self.listener = listener
    let bound = listener.localAddress
    if !bound.isLoopback {
      diagnostics.report(
        .warning,
        "LISTENING BEYOND LOOPBACK on \(bound): the protocol has no authentication, "
          + "so everybody who can reach this address is served")
    }
    diagnostics.print(.info, "listening address=\(bound.host) port=\(bound.port)")
  }

  func session(of connection: StreamConnection) -> Session? {
    sessions.indices.contains(connection.tag) ? sessions[connection.tag] : nil
  }

  private func accept(_ connection: TCPConnection, _ handlers: StreamConnection.Handlers) {
    guard clientCount < configuration.maxConnections,
      clientCount + lingeringCount < descriptorRoom
    else {
      connection.close()
      return countRejection()
    }
    lastNumber += 1
    let session = Session(
      connection, number: lastNumber, owner: sleeping.enter(),
      maximumFrameLength: configuration.maxFrameBytes, at: loop.now.nanoseconds)
    if session.owner.index == sessions.count { sessions.append(nil) }
    sessions[session.owner.index] = session
    connection.tag = session.owner.index
    clientCount += 1
    if listener?.options != listenerOptions { applyLimits(to: connection) }
    record(.info, "connect") {
      $0.add("conn", session.number)
      $0.add("peer", session.peer)
      $0.add("clients", clientCount)
    }
    scheduleSweep()
    connection.start(handlers)
  }

  /// What accepted connections inherit.
  ///
  /// A host that went away without a word is noticed in two minutes when nothing is sent to it, and
  /// by the user timeout when something is.
  private var listenerOptions: TCPListener.Options {
    TCPListener.Options(
      backlog: configuration.backlog, keepAlive: KeepAlive(idle: 60, interval: 10, count: 6),
      userTimeout: userTimeout, limits: writeLimits)
  }

  /// Milliseconds that a host may leave answers unacknowledged: longer than our own patience.
  private var userTimeout: Int { (configuration.stuckPeerTimeoutSeconds + 10) * 1_000 }

  /// Bounds what a connection may hold, and how long a peer that is gone without a word may go
  /// unnoticed; needed only where that is not what it inherited from the listener.
  func applyLimits(to connection: TCPConnection) {
    if connection.writeLimits != writeLimits { connection.writeLimits = writeLimits }
    do throws(UVError) {
      try connection.setUserTimeout(milliseconds: userTimeout)
    } catch {
      // The client may be gone already; its connection will say so itself.
      record(.debug, "option_failed") { $0.add("error", error.description) }
    }
  }

  private func receive(_ bytes: RawSpan, from session: Session) {
    guard endSignal == nil else { return }
    guard session.undecoded.isEmpty else {
      bytes.withUnsafeBytes { session.undecoded.append(contentsOf: $0) }
      return
    }
    let consumed = serve(bytes, of: session)
    guard consumed < bytes.byteCount, !session.connection.isClosing else {
      if !session.connection.isWritable { pause(session) }
      return
    }
    bytes.extracting(consumed..<bytes.byteCount).withUnsafeBytes {
      session.undecoded.append(contentsOf: $0)
    }
    pause(session)
  }

  /// Decodes and answers until the bytes are used up or enough answers wait to be taken.
  ///
  /// - Returns: The bytes used; all of them when the client has left over it.
  private func serve(_ bytes: RawSpan, of session: Session) -> Int {
    setTightness(of: session)
    fastAnswer.refresh(wallClockNanoseconds: WallClock.nanoseconds)
    var answers: [UInt8] = []
    swap(&answers, &self.answers)
    answers.removeAll(keepingCapacity: true)
    // With so many the connection is above its high-water mark, and will say when it has drained.
    let room = session.connection.writeLimits.highWaterMark + 1 - session.connection.pendingBytes
    // All of a read has come by its first request: one look at the clock serves them all.
    var now: UInt64?
    var count: UInt64 = 0
    var isOverLimit = false
    var violation: ProtocolViolation?
    var consumed = bytes.byteCount
    do throws(ProtocolViolation) {
      consumed = try session.decoder.decode(bytes) {
        payload throws(ProtocolViolation.Kind) -> FrameDecoder.Flow in
        let message = try Message(decoding: payload)
        switch try Reply(to: message, connectedClients: clientCount) {
        case .fastNow:
          answers.append(contentsOf: fastAnswer.frame)
        case .slowLater(let seconds, let clients):
          let start = now ?? loop.now.nanoseconds
          now = start
          let deadline = Reply.deadline(after: seconds, from: start)
          guard letSleep(session, until: deadline, clients: clients) else {
            isOverLimit = true
            return .stop
          }
        }
        count += 1
        return answers.count < room ? .proceed : .stop
      }
    } catch {
      violation = error
    }
    session.requests += count
    requestCount += count
    let isTaken = answers.isEmpty || send(answers.span.bytes, to: session)
    swap(&answers, &self.answers)
    guard isTaken else { return bytes.byteCount }
    if let violation {
      leave(session, .violation, .gracefully, violation)
      return bytes.byteCount
    }
    if isOverLimit {
      leave(session, .limit, .gracefully)
      return bytes.byteCount
    }
    return consumed
  }

  /// Hands answers to the connection; false when the client had to leave over it.
  func send(_ bytes: RawSpan, to session: Session) -> Bool {
    do throws(UVError) {
      try session.connection.write(bytes)
      return true
    } catch {
      // A connection that has failed already will say itself how.
      guard !session.connection.isClosing else { return false }
      let isFull = error.code == .noBufferSpace
      leave(session, isFull ? .buffer : .error, .atOnce, error: isFull ? nil : error)
      return false
    }
  }

  /// Lets the client's requests wait with it or with the kernel until it has taken answers.
  ///
  /// There is always something to send then, so that a reset is noticed.
  private func pause(_ session: Session) {
    session.connection.pauseReading()
    countHeldBytes(of: session)
  }

  /// The client has taken answers: goes on with what it sent meanwhile.
  private func goOn(_ session: Session) {
    var start = 0
    let waiting = session.undecoded
    session.undecoded = []
    while start < waiting.count, session.connection.isWritable {
      start += serve(waiting.span.bytes.extracting(start..<waiting.count), of: session)
    }
    guard self.session(of: session.connection) === session else { return }
    session.undecoded = Array(waiting[start...])
    countHeldBytes(of: session)
    guard session.connection.isWritable else { return }
    session.connection.resumeReading()
    if session.hasEnded { receiveEnd(of: session) }
  }

  /// The client has ended its stream, which here means that it has left (S5).
  private func receiveEnd(of session: Session) {
    session.hasEnded = true
    guard session.undecoded.isEmpty else { return }
    do throws(ProtocolViolation) {
      try session.decoder.finish()
    } catch {
      return leave(session, .violation, .gracefully, error)
    }
    if configuration.halfClose, sleeping.sleeping(of: session.owner) > 0 { return }
    leave(session, .eof, .gracefully)
  }
}
