import TestTaskProto
import UVNet

/// Carries the session's wishes to the network, and what the network brings back.
///
/// At most one attempt or connection is alive, and nothing of one that was closed is told any more.
final class Connector {
  /// What the network tells.
  enum Event {
    case connected
    case connectFailed(reason: String)
    case lost(LossCause)
    case violated(ProtocolViolation)
  }

  private let loop: EventLoop
  private let onEvent: (Event) -> Void
  /// Takes an answer; false when nobody asked for it.
  private let onAnswer: (Answer) -> Bool
  private var attempt: ConnectAttempt?
  private var connection: TCPConnection?
  private var decoder = FrameDecoder()
  /// Tells the present attempt or connection from those before it.
  private var generation: UInt64 = 0

  init(
    on loop: EventLoop, onEvent: @escaping (Event) -> Void, onAnswer: @escaping (Answer) -> Bool
  ) {
    self.loop = loop
    self.onEvent = onEvent
    self.onAnswer = onAnswer
  }

  /// Begins an attempt, in place of what was before.
  func connect(to address: SocketAddress, timeout: Duration) {
    close()
    let generation = generation
    attempt = TCPConnection.connect(to: address, on: loop, timeout: timeout) { [weak self] result in
      guard let self, self.generation == generation else {
        if case .success(let connection) = result { connection.close() }
        return
      }
      self.attempt = nil
      switch result {
      case .success(let connection): self.begin(connection)
      case .failure(let error): self.onEvent(.connectFailed(reason: error.message))
      }
    }
  }

  /// Ends the attempt or the connection.
  func close() {
    generation &+= 1
    attempt?.cancel()
    attempt = nil
    connection?.close()
    connection = nil
  }

  /// Sends a request; a failure is told later as a loss.
  func send(_ kind: RequestKind) {
    guard let connection else { return }
    var frame: [UInt8] = []
    switch kind {
    case .fast: Message.requestForFastResponse.appendFrame(to: &frame)
    case .slow(let seconds):
      Message.requestForSlowResponse(timeInSecondsToSleep: seconds).appendFrame(to: &frame)
    }
    do throws(UVError) {
      try connection.write(frame)
    } catch {
      let generation = generation
      loop.nextTick { [weak self] in
        guard let self, self.generation == generation else { return }
        self.onEvent(.lost(.failed(reason: error.message)))
      }
    }
  }

  private func begin(_ connection: TCPConnection) {
    self.connection = connection
    decoder = FrameDecoder()
    // A partition is silent: these notice one within half a minute. Without them the connection
    // works as well, so an error is none of ours.
    try? connection.setNoDelay(true)
    try? connection.setKeepAlive(idle: 15, interval: 5, count: 3)
    try? connection.setUserTimeout(milliseconds: 30_000)
    let generation = generation
    connection.start(
      TCPConnection.Handlers(
        onData: { [weak self] _, bytes in self?.read(bytes, generation) },
        onEnd: { [weak self] _ in self?.end(generation) },
        onClose: { [weak self] _, reason in
          guard let self, self.generation == generation else { return }
          switch reason {
          case .local, .peer: self.onEvent(.lost(.closedByServer))
          case .failed(let error): self.onEvent(.lost(.failed(reason: error.message)))
          }
        }))
    onEvent(.connected)
  }

  private func read(_ bytes: RawSpan, _ generation: UInt64) {
    guard self.generation == generation else { return }
    // An answer may lead to a new connection and its decoder, so this one is not used in place.
    var decoder = decoder
    self.decoder = FrameDecoder()
    do throws(ProtocolViolation) {
      _ = try decoder.decode(bytes) { payload throws(ProtocolViolation.Kind) in
        switch try Message(decoding: payload) {
        case .fastResponse(let time): try self.take(.fast(serverTime: time))
        case .slowResponse(let count): try self.take(.slow(connectedClients: count))
        case .requestForFastResponse, .requestForSlowResponse: throw .unexpectedMessage
        }
        return self.generation == generation ? .proceed : .stop
      }
      if self.generation == generation { self.decoder = decoder }
    } catch {
      if self.generation == generation { onEvent(.violated(error)) }
    }
  }

  private func take(_ answer: Answer) throws(ProtocolViolation.Kind) {
    guard onAnswer(answer) else { throw .unexpectedMessage }
  }

  private func end(_ generation: UInt64) {
    guard self.generation == generation else { return }
    do throws(ProtocolViolation) {
      try decoder.finish()
      onEvent(.lost(.closedByServer))
    } catch {
      onEvent(.violated(error))
    }
  }
}
