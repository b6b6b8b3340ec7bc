import TestTaskClientCore
import TestTaskProgramBasics
import UVNet

/// Makes connections and carries bytes; ``ClientCore`` makes every decision.
///
/// At most one attempt or connection is alive, and no event of one that was closed is delivered.
final class Connector {
  private let loop: EventLoop
  private let tls: ClientTLS?
  private let onEvent: (NetworkEvent) -> Void
  private let onData: (RawSpan) -> Void
  private var attempt: ConnectAttempt?
  /// The connection, also during the handshake of TLS.
  private var connection: StreamConnection?
  /// Tells the present attempt or connection from those before it.
  private var generation: UInt64 = 0

  /// Without `tls` connections are plain.
  init(
    on loop: EventLoop, tls: ClientTLS? = nil, onEvent: @escaping (NetworkEvent) -> Void,
    onData: @escaping (RawSpan) -> Void
  ) {
    self.loop = loop
    self.tls = tls
    self.onEvent = onEvent
    self.onData = onData
  }

  /// Begins an attempt, after closing an earlier attempt or connection.
  func connect(to target: Target, timeout: Duration) {
    close()
    do throws(SocketAddressError) {
      let secureAndStart = onSuccess { connector, connection in
        connector.connection = connection
        if let connection = connection as? TCPConnection { Self.watchForSilence(connection) }
        guard let tls = connector.tls else { return connector.start(connection) }
        tls.secure(connection, to: target, connector.onSuccess { $0.start($1) })
      }
      attempt = try dial(target, timeout, secureAndStart)
    } catch {
      let failure = ConnectFailure(.connect, error.description)
      loop.nextTick { [weak self, generation] in
        self?.report(.connectFailed(failure), from: generation)
      }
    }
  }

  /// Makes the completion of a step of an attempt, which goes on or reports a failure.
  private func onSuccess(
    _ next: @escaping (Connector, StreamConnection) -> Void
  ) -> (Result<StreamConnection, UVError>) -> Void {
    { [weak self, generation] result in
      switch result {
      case .success(let connection):
        guard let self, self.generation == generation else { return connection.close() }
        next(self, connection)
      case .failure(let error):
        self?.report(.connectFailed(ConnectFailure(error)), from: generation)
      }
    }
  }

  /// Begins to connect by TCP or to a Unix socket.
  private func dial(
    _ target: Target, _ timeout: Duration,
    _ completion: @escaping (Result<StreamConnection, UVError>) -> Void
  ) throws(SocketAddressError) -> ConnectAttempt {
    func finish(_ result: Result<some StreamConnection, UVError>) {
      completion(result.map { $0 })
    }
    if target.isUnixSocket {
      let address = try UnixAddress(parsing: target.host)
      return UnixConnection.connect(to: address, on: loop, timeout: timeout, completion: finish)
    }
    if target.isName {
      return TCPConnection.connect(
        host: target.host, port: target.port, on: loop, timeout: timeout, completion: finish)
    }
    // Read anew for each attempt: the interface of its zone may have gone.
    let address = try SocketAddress(host: target.host, port: target.port)
    return TCPConnection.connect(to: address, on: loop, timeout: timeout, completion: finish)
  }

  /// Has the system notice within half a minute that the network is partitioned.
  ///
  /// The connection works without these options too, so an error is ignored.
  private static func watchForSilence(_ connection: TCPConnection) {
    _ = try? connection.setOptions(
      TCPOptions(
        keepAlive: .init(idle: .seconds(15), interval: .seconds(5), count: 3),
        userTimeout: .seconds(30)))
  }

  private func start(_ connection: StreamConnection) {
    let generation = generation
    connection.start(
      StreamConnection.Handlers(
        onData: { [weak self] _, bytes in
          if let self, self.generation == generation { self.onData(bytes) }
        },
        onEnd: { [weak self] _ in self?.report(.ended, from: generation) },
        onClose: { [weak self] _, reason in
          self?.report(.lost(LossCause(ConnectionEnd(reason))), from: generation)
        }))
    onEvent(.connected)
  }

  /// Sends bytes; a failure closes the connection, which is reported later as a loss.
  func send(_ bytes: [UInt8]) {
    do throws(UVError) {
      try connection?.write(bytes)
    } catch {
      connection?.close(.failed(error))
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

  private func report(_ event: NetworkEvent, from generation: UInt64) {
    if self.generation == generation { onEvent(event) }
  }
}

extension ConnectFailure {
  fileprivate init(_ error: UVError) {
    let step: Step =
      switch error.operation {
      case .resolve: .lookUp
      case .handshake: .handshake
      default: .connect
      }
    self.init(step, error.message, detail: error.detail)
  }
}
