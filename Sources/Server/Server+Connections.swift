import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskProto
import TestTaskServerCore
import UVNet

extension Server {
  var now: UInt64 { loop.now.nanoseconds }

  /// One set for all connections.
  ///
  /// The server is held strongly, since a weak reference would cost every read; closing lets go of it.
  func makeHandlers() -> StreamConnection.Handlers {
    StreamConnection.Handlers(
      onData: { [self] connection, bytes in receive(bytes, on: connection) },
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

  /// Gives a connection the settings that it did not inherit from the listener.
  func applySettings(to connection: StreamConnection) {
    connection.writeLimits = StreamConnection.WriteLimits(configuration.outputLimits)
    guard let connection = connection as? TCPConnection else { return }
    do throws(UVError) {
      try connection.setOptions(configuration.listenerOptions.tcp.connections)
    } catch {
      // The client may be gone already; its connection will say so itself.
      output.record(.debug, "option_failed") { $0.add("error", error.description) }
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
      unsafe write(slowAnswer.span.bytes, on: connection)
      core.answered(answer.place, at: start)
      performActions()
    }
    performActions()
  }

  /// Lets the core look at all connections.
  func sweep() {
    core.sweep(at: now) { [connections] place in connections[place]?.traffic ?? Traffic() }
    performActions()
  }

  /// A connection is gone: of a client that had left already, or as the way that it leaves.
  func closed(_ connection: StreamConnection, _ reason: CloseReason) {
    switch connection.role {
    case .client(let place):
      core.closed(place, ConnectionEnd(reason), unsent: connection.pendingBytes, at: now)
    case .left(let number):
      connections.forget(number: number)
      core.lingeringClosed()
    }
    performActions()
  }
}

extension StreamConnection {
  fileprivate var outputState: OutputState {
    OutputState(unsent: pendingBytes, writable: writableBytes)
  }

  var traffic: Traffic {
    Traffic(bytesRead: bytesRead, bytesWritten: bytesWritten, unsent: pendingBytes)
  }
}
