import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import UVNet

extension Server {
  /// Opens the listening socket and tells where it is.
  func listen() throws {
    let address = try SocketAddress(
      host: configuration.address, port: UInt16(clamping: configuration.port))
    // One set for all connections: they find their session by their tag. The server is held, not
    // looked up, for the sake of the busiest path; closing lets go of it.
    let handlers = TCPConnection.Handlers(
      onData: { [self] connection, bytes in
        if let session = session(of: connection) { receive(bytes, from: session) }
      },
      onEnd: { [self] connection in
        if let session = session(of: connection) { receiveEnd(of: session) }
      },
      onDrain: { [self] connection in
        if let session = session(of: connection) { goOn(session) }
      },
      onClose: { [self] connection, reason in closed(connection, reason) })
    let listener = try TCPListener.listen(
      at: address, on: loop,
      options: listenerOptions,
      onError: { [unowned self] _, error in reportAcceptFailure(error) },
      onConnection: { [unowned self] _, connection in accept(connection, handlers) })
    self.listener = listener
    for error in listener.refusedOptions {
      diagnostics.report(.warning, "going on without an option of connections: \(error)")
    }
    let bound = listener.localAddress
    if !bound.isLoopback {
      diagnostics.report(
        .warning,
        "LISTENING BEYOND LOOPBACK on \(bound): the protocol has no authentication, "
          + "so everybody who can reach this address is served")
    }
    diagnostics.print(.info, "listening address=\(bound.host) port=\(bound.port)")
  }

  @inline(__always)
  func session(of connection: StreamConnection) -> Session? {
    sessions.indices.contains(connection.tag) ? sessions[connection.tag] : nil
  }

  private func accept(_ connection: TCPConnection, _ handlers: TCPConnection.Handlers) {
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
    memory.enter(session.owner.index)
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
      backlog: configuration.backlog,
      connections: TCPOptions(
        keepAlive: .init(idle: .seconds(60), interval: .seconds(10), count: 6),
        // How long a host may leave answers unacknowledged: longer than our own patience.
        userTimeout: .seconds(configuration.stuckPeerTimeoutSeconds + 10)),
      limits: writeLimits)
  }

  /// Bounds what a connection may hold, and how long a peer that is gone without a word may go
  /// unnoticed; needed only where that is not what it inherited from the listener.
  func applyLimits(to connection: TCPConnection) {
    if connection.writeLimits != writeLimits { connection.writeLimits = writeLimits }
    do throws(UVError) {
      try connection.setOptions(listenerOptions.connections)
    } catch {
      // The client may be gone already; its connection will say so itself.
      record(.debug, "option_failed") { $0.add("error", error.description) }
    }
  }

  @inline(__always)
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
  @inline(__always)
  private func serve(_ bytes: RawSpan, of session: Session) -> Int {
    setTightness(of: session)
    var fastCount = 0
    var mostFast = Int.max
    if session.decoder.isBetweenFrames {
      fastCount = Message.fastRequests(leading: bytes, atMost: .max)
    }
    let isWhole = fastCount * Message.fastRequestByteCount == bytes.byteCount
    // One answer is always allowed.
    if fastCount > 1 || !isWhole {
      mostFast = mostFastAnswers(on: session.connection)
      fastCount = min(fastCount, mostFast)
    }
    let consumed = fastCount * Message.fastRequestByteCount
    if fastCount > 0 { session.decoder.skip(consumed) }
    if isWhole || fastCount == mostFast {
      return answer(fastCount, of: session) ? consumed : bytes.byteCount
    }
    return serve(
      bytes, of: session, mostFast: mostFast, Batch(consumed: consumed, fastCount: fastCount))
  }

  /// With so many the connection is above its high-water mark, and will say when it has drained.
  private func mostFastAnswers(on connection: TCPConnection) -> Int {
    connection.writableBytes / FastAnswer.byteCount + 1
  }

  /// Goes on where the bytes are not plain fast requests any more.
  private func serve(
    _ bytes: RawSpan, of session: Session, mostFast: Int, _ begun: Batch
  ) -> Int {
    var batch = begun
    decode(bytes, of: session, mostFast: mostFast, into: &batch)
    session.requests += UInt64(batch.slowCount)
    requestCount += UInt64(batch.slowCount)
    guard batch.fastCount == 0 || answer(batch.fastCount, of: session) else {
      return bytes.byteCount
    }
    guard let reason = batch.reasonToLeave else { return batch.consumed }
    leave(session, reason, .gracefully, batch.violation)
    return bytes.byteCount
  }

  /// Answers so many fast requests; false when the client had to leave over it.
  @inline(__always)
  private func answer(_ fastCount: Int, of session: Session) -> Bool {
    session.requests &+= UInt64(truncatingIfNeeded: fastCount)
    requestCount &+= UInt64(truncatingIfNeeded: fastCount)
    fastAnswer.refresh(wallClockNanoseconds: WallClock.nanoseconds, count: fastCount)
    return fastAnswer.withFrames(fastCount) { send($0, to: session) }
  }

  /// What came of the bytes of one read.
  private struct Batch {
    var consumed: Int
    /// Fast requests are only counted: all of a read has come by its first, so that one look at the
    /// clock and one write answer them all.
    var fastCount: Int
    /// Slow requests that sleep now.
    var slowCount = 0
    var isOverLimit = false
    var violation: ProtocolViolation?

    var reasonToLeave: DisconnectReason? {
      violation != nil ? .violation : isOverLimit ? .limit : nil
    }
  }

  /// Decodes what is not a plain fast request, one frame at a time.
  private func decode(
    _ bytes: RawSpan, of session: Session, mostFast: Int, into batch: inout Batch
  ) {
    // What the decoder's closure changes are numbers of its own, so that nothing is looked up.
    let clients = clientCount
    var fastCount = batch.fastCount
    var now: UInt64?
    do throws(ProtocolViolation) {
      var slow: Reply?
      repeat {
        slow = nil
        let rest = bytes.extracting(batch.consumed..<bytes.byteCount)
        batch.consumed += try session.decoder.decode(rest) {
          payload throws(ProtocolViolation.Kind) -> FrameDecoder.Flow in
          let reply = try Reply(to: Message(decoding: payload), connectedClients: clients)
          guard reply == .fastNow else {
            slow = reply
            return .stop
          }
          fastCount += 1
          return fastCount < mostFast ? .proceed : .stop
        }
        guard case .slowLater(let seconds, let clients) = slow else { break }
        let start = now ?? loop.now.nanoseconds
        now = start
        let deadline = Reply.deadline(after: seconds, from: start)
        batch.isOverLimit = !letSleep(session, until: deadline, clients: clients)
        if !batch.isOverLimit { batch.slowCount += 1 }
      } while !batch.isOverLimit && batch.consumed < bytes.byteCount
    } catch {
      batch.violation = error
    }
    batch.fastCount = fastCount
  }

  /// Hands answers to the connection; false when the client had to leave over it.
  @inline(__always)
  func send(_ bytes: RawSpan, to session: Session) -> Bool {
    do throws(UVError) {
      try session.connection.write(bytes)
      return true
    } catch {
      couldNotSend(to: session, error)
      return false
    }
  }

  private func couldNotSend(to session: Session, _ error: UVError) {
    // A connection that has failed already will say itself how.
    guard !session.connection.isClosing else { return }
    let isFull = error.code == .noBufferSpace
    leave(session, isFull ? .buffer : .error, .atOnce, error: isFull ? nil : error)
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
