import TestTaskClientCore
import TestTaskProgramBasics
import UVNet

/// Makes connections and carries bytes; ``ClientCore`` makes every decision.
///
/// At most one attempt or connection is alive, and no event of one that was closed is delivered.
final class Connector {
  /// What happened on the network.
  enum Event {
    case connected
    case connectFailed(reason: String)
    /// The server has ended its stream.
    case ended
    case lost(LossCause)
  }

  private let loop: EventLoop
  private let security: SecureConnecting?
  private let onEvent: (Event) -> Void
  private let onData: (RawSpan) -> Void
  /// Cancels the present attempt.
  private var cancelAttempt: (() -> Void)?
  private var connection: StreamConnection?
  /// Tells the present attempt or connection from those before it.
  private var generation: UInt64 = 0

  /// Without `security` connections are plain.
  init(
    on loop: EventLoop, security: SecureConnecting? = nil, onEvent: @escaping (Event) -> Void,
    onData: @escaping (RawSpan) -> Void
  ) {
    self.loop = loop
    self.security = security
    self.onEvent = onEvent
    self.onData = onData
  }

  /// Begins an attempt, after closing an earlier attempt or connection.
  func connect(to target: Target, timeout: Duration) {
    close()
    let generation = generation
    let completion = { [weak self] (result: Result<StreamConnection, UVError>) in
      guard let self, self.generation == generation else {
        if case .success(let connection) = result { connection.close() }
        return
      }
      self.cancelAttempt = nil
      switch result {
      case .success(let connection): self.begin(connection)
      case .failure(let error):
        self.onEvent(.connectFailed(reason: Self.reason(error, for: target)))
      }
    }
    let isThere = security.map { security in
      { [weak self] (result: Result<StreamConnection, UVError>) in
        guard let self, self.generation == generation, case .success(let connection) = result else {
          return completion(result)
        }
        self.cancelAttempt = { connection.close() }
        security.secure(connection, to: target, completion)
      }
    }
    do throws(SocketAddressError) {
      cancelAttempt = try attempt(target, timeout, isThere ?? completion)
    } catch {
      loop.nextTick { [weak self] in
        self?.report(.connectFailed(reason: "\(error)"), from: generation)
      }
    }
  }

  /// Begins an attempt, and returns a closure that cancels it.
  private func attempt(
    _ target: Target, _ timeout: Duration,
    _ completion: @escaping (Result<StreamConnection, UVError>) -> Void
  ) throws(SocketAddressError) -> () -> Void {
    if target.isUnixSocket {
      let address = try target.unixAddress
      return UnixConnection.connect(to: address, on: loop, timeout: timeout) { result in
        completion(result.map { $0 })
      }.cancel
    }
    let watched = { (result: Result<TCPConnection, UVError>) in
      if case .success(let connection) = result { Self.watchForSilence(connection) }
      completion(result.map { $0 })
    }
    if target.isName {
      return TCPConnection.connect(
        host: target.host, port: target.port, on: loop, timeout: timeout, completion: watched
      ).cancel
    }
    return TCPConnection.connect(
      to: try target.address, on: loop, timeout: timeout, completion: watched
    ).cancel
  }

  /// Why there is no connection; for a name, with what happened to each of its addresses.
  private static func reason(_ error: UVError, for target: Target) -> String {
    if error.operation == .handshake {
      return error.detail.map { "TLS: \(error.message): \($0)" } ?? "TLS: \(error.message)"
    }
    guard target.isName else { return error.message }
    if error.operation == .resolve { return "looking up \(target.host): \(error.message)" }
    return error.detail.map { "\(error.message): \($0)" } ?? error.message
  }

  /// Ends the attempt or the connection.
  func close() {
    generation &+= 1
    cancelAttempt?()
    cancelAttempt = nil
    connection?.close()
    connection = nil
  }

  /// Sends bytes; a failure is reported later as a loss.
  func send(_ bytes: [UInt8]) {
    guard let connection else { return }
    do throws(UVError) {
      try connection.write(bytes)
    } catch {
      let generation = generation
      loop.nextTick { [weak self] in
        self?.report(.lost(LossCause(.failed(error))), from: generation)
      }
    }
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

  private func begin(_ connection: StreamConnection) {
    self.connection = connection
    let generation = generation
    connection.start(
      StreamConnection.Handlers(
        onData: { [weak self] _, bytes in
          guard let self, self.generation == generation else { return }
          self.onData(bytes)
        },
        onEnd: { [weak self] _ in self?.report(.ended, from: generation) },
        onClose: { [weak self] _, reason in
          self?.report(.lost(LossCause(reason)), from: generation)
        }))
    onEvent(.connected)
  }

  private func report(_ event: Event, from generation: UInt64) {
    if self.generation == generation { onEvent(event) }
  }
}

extension LossCause {
  fileprivate init(_ reason: CloseReason) { self.init(ConnectionEnd(reason)) }
}
