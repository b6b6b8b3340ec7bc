import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import TestTaskServerCore
import UVNet

extension Server {
  var configuration: Configuration { settings.values }
  private var now: UInt64 { loop.now.nanoseconds }

  /// Opens the listening socket and tells where it is.
  func listen() throws {
    let address = try SocketAddress(
      host: configuration.address, port: UInt16(clamping: configuration.port))
    // One set for all connections. The server is held strongly, since a weak reference would cost
    // every read; closing lets go of it.
    let handlers = TCPConnection.Handlers(
      onData: { [self] connection, bytes in receive(bytes, on: connection) },
      onEnd: { [self] connection in
        core.ended(connection.place, at: now)
        performActions()
      },
      onDrain: { [self] connection in
        let place = connection.place
        let answers = core.drained(place, output: connection.outputState, at: now)
        writeFastAnswers(answers, on: connection)
        performActions()
      },
      onClose: { [self] connection, reason in closed(connection, reason) })
    let listener = try TCPListener.listen(
      at: address, on: loop, options: listenerOptions,
      onError: { [unowned self] _, error in
        core.acceptFailed(error.description)
        performActions()
      },
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

  private func accept(_ connection: TCPConnection, _ handlers: TCPConnection.Handlers) {
    // A peer that has reset the connection already has no address.
    let peer = connection.remoteAddress?.description ?? "unknown"
    if let place = core.connected(peer: peer, at: now) {
      while connections.count <= place { connections.append(nil) }
      connections[place] = connection
      connection.role = .client(place: place)
      if !inheritsSettings { applySettings(to: connection) }
    } else {
      connection.close()
    }
    performActions()
    if !connection.isClosing { connection.start(handlers) }
  }

  /// What accepted connections inherit.
  ///
  /// A host that went away without a word is noticed in two minutes when nothing is sent to it, and
  /// by the user timeout when something is.
  var listenerOptions: TCPListener.Options {
    TCPListener.Options(
      backlog: configuration.backlog,
      connections: TCPOptions(
        keepAlive: .init(idle: .seconds(60), interval: .seconds(10), count: 6),
        // How long a host may leave answers unacknowledged: longer than our own patience.
        userTimeout: .seconds(configuration.stuckPeerTimeoutSeconds + 10)),
      limits: StreamConnection.WriteLimits(configuration.outputLimits))
  }

  /// Gives a connection the settings that it did not inherit from the listener.
  func applySettings(to connection: TCPConnection) {
    connection.writeLimits = StreamConnection.WriteLimits(configuration.outputLimits)
    do throws(UVError) {
      try connection.setOptions(listenerOptions.connections)
    } catch {
      // The client may be gone already; its connection will say so itself.
      record(.debug, "option_failed") { $0.add("error", error.description) }
    }
  }

  @inline(__always)
  private func receive(_ bytes: RawSpan, on connection: StreamConnection) {
    let answers = core.received(
      bytes, from: connection.place, output: connection.outputState, at: now)
    writeFastAnswers(answers, on: connection)
    performActions()
  }

  @inline(__always)
  private func writeFastAnswers(_ count: Int, on connection: StreamConnection) {
    guard count > 0 else { return }
    fastAnswer.refresh(wallClockNanoseconds: WallClock.nanoseconds, count: count)
    fastAnswer.withFrames(count) { write($0, on: connection) }
  }

  @inline(__always)
  private func write(_ bytes: RawSpan, on connection: StreamConnection) {
    do throws(UVError) {
      try connection.write(bytes)
      if !connection.isWritable { core.filled(connection.place, unsent: connection.pendingBytes) }
    } catch {
      // A connection that has failed already will say itself how.
      guard !connection.isClosing else { return }
      core.writeFailed(
        connection.place, isFull: error.code == .noBufferSpace, error: error.description, at: now)
    }
  }

  /// Answers everything whose sleep is over; answers of one connection leave in one write.
  func answerDue() {
    let start = now
    while let answer = core.nextAnswer(at: start) {
      guard let connection = connections[answer.place] else { continue }
      slowAnswer.removeAll(keepingCapacity: true)
      Message.slowResponse(connectedClientCount: answer.connectedClients)
        .appendFrame(to: &slowAnswer)
      write(slowAnswer.span.bytes, on: connection)
      core.answered(answer.place, at: start)
      performActions()
    }
    performActions()
  }

  /// Lets the core look at all connections.
  func sweep() {
    core.sweep(at: now) { [connections] place in
      guard let connection = connections[place] else {
        return Traffic(bytesRead: 0, bytesWritten: 0, unsent: 0)
      }
      return Traffic(
        bytesRead: connection.bytesRead, bytesWritten: connection.bytesWritten,
        unsent: connection.pendingBytes)
    }
    performActions()
  }

  /// A connection is gone: of a client that had left already, or as the way that it leaves.
  private func closed(_ connection: StreamConnection, _ reason: CloseReason) {
    switch connection.role {
    case .client(let place):
      core.closed(place, ConnectionEnd(reason), unsent: connection.pendingBytes, at: now)
    case .left(let number):
      if !lingering.isEmpty { lingering[number] = nil }
      core.lingeringClosed()
    }
    performActions()
  }
}

extension StreamConnection {
  fileprivate var outputState: OutputState {
    OutputState(unsent: pendingBytes, writable: writableBytes)
  }
}

extension StreamConnection.WriteLimits {
  init(_ limits: OutputLimits) {
    self.init(
      highWaterMark: limits.highWaterMark, lowWaterMark: limits.lowWaterMark,
      maximumPendingBytes: limits.maximumPendingBytes)
  }
}

extension ConnectionEnd {
  fileprivate init(_ reason: CloseReason) {
    guard let error = reason.error else {
      self = reason == .peer ? .ended : .failed(nil)
      return
    }
    switch error.code {
    // The system says so of a reset that came after the peer's end.
    case .brokenPipe: self = .ended
    case .connectionReset: self = .reset
    case .timedOut: self = .timedOut(error.description)
    default: self = .failed(error.description)
    }
  }
}
