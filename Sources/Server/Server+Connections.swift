import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import TestTaskServerCore
import UVNet

extension Server {
  var now: UInt64 { loop.now.nanoseconds }

  func accept(_ connection: StreamConnection, from peer: Peer) {
    if let place = core.connected(peer, at: now) {
      connections.insert(connection, at: place)
    } else {
      connection.close()
    }
    performActions()
  }

  func acceptFailed(_ error: UVError) {
    core.acceptFailed(error.description, at: now)
    performActions()
  }

  /// A proxy comes before the client, and says who that is.
  func readProxyHeader(of connection: StreamConnection, within patience: Duration) {
    connection.readProxyHeader(within: patience) { [self] result in
      switch result {
      case .success(let header):
        core.introduced(connection.place, as: header.client)
        performActions()
      case .failure(let error):
        if error.code == .protocolError {
          core.headerRefused(connection.place, error: error.detail ?? error.message, at: now)
        }
        closed(connection, connection.closeReason ?? .local)
      }
    }
  }

  func secure(_ connection: StreamConnection) {
    tls?.secure(connection) { [self] session in
      guard let session else { return closed(connection, connection.closeReason ?? .local) }
      core.secured(connection.place, session)
      performActions()
    }
  }

  /// One set for all connections.
  ///
  /// The server is held strongly, since a weak reference would cost every read.
  func makeHandlers() -> StreamConnection.Handlers {
    StreamConnection.Handlers(
      onData: { [self] connection, bytes in
        let answers = core.received(
          bytes, from: connection.place, output: connection.outputState, at: now)
        writeFastAnswers(answers, on: connection)
        performActions()
      },
      onEnd: { [self] connection in
        core.ended(connection.place, at: now)
        performActions()
      },
      onDrain: { [self] connection in
        let answers = core.drained(connection.place, output: connection.outputState, at: now)
        writeFastAnswers(answers, on: connection)
        performActions()
      },
      onClose: { [self] connection, reason in closed(connection, reason) })
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
      unsafe write(slowAnswer.span.bytes, on: connection)
      core.answered(answer.place, at: start)
      performActions()
    }
    performActions()
  }

  /// A connection is closed: its client leaves by that, or had left before.
  private func closed(_ connection: StreamConnection, _ reason: CloseReason) {
    if connection.place >= 0 {
      core.closed(
        connection.place, ConnectionEnd(reason), unsent: connection.pendingBytes, at: now)
    } else {
      connections.forget(connection)
      core.lingeringClosed()
    }
    performActions()
  }

  /// Does what the core asks for; most events ask for nothing.
  @inline(__always)
  func performActions() {
    if !core.actions.isEmpty { performAll() }
  }
}

/// What is kept with a connection.
private struct PlaceTag: RawRepresentable { let rawValue: Int }

extension StreamConnection {
  /// The client's place in the core's table; -1 when the client has left.
  var place: Int {
    get { tag(as: PlaceTag.self)?.rawValue ?? -1 }
    set { setTag(PlaceTag(rawValue: newValue)) }
  }

  fileprivate var outputState: OutputState {
    OutputState(unsent: pendingBytes, writable: writableBytes)
  }

  var traffic: Traffic {
    Traffic(bytesRead: bytesRead, bytesWritten: bytesWritten, unsent: pendingBytes)
  }
}
