/// A connection in the making to one of several addresses, such as those of a name.
///
/// The addresses are tried as RFC 8305 says; see
/// ``TCPConnection/connect(host:port:on:timeout:attemptDelay:writeLimits:completion:)``.
public final class HostConnectAttempt: ConnectAttempt {
  /// Why one address gave no connection.
  public struct Failure: Error, Hashable, Sendable {
    /// The address.
    public let address: SocketAddress
    /// The reason.
    public let error: UVError
  }

  private let attemptDelay: Duration
  private let writeLimits: StreamConnection.WriteLimits
  private var completion: ((Result<TCPConnection, UVError>) -> Void)?
  private var core = HappyEyeballs([])
  private var resolver: Resolver?
  private var attempts: [Int: ConnectAttempt] = [:]
  private var delay: LoopTimer?

  /// The addresses that gave no connection so far, in the order in which they failed.
  public var failures: [Failure] {
    core.failures.map { Failure(address: core.addresses[$0.place], error: $0.error) }
  }

  /// The addresses in the order in which they are tried; empty until the name is resolved.
  public var addresses: [SocketAddress] { core.addresses }

  /// RFC 8305 section 5 forbids less.
  static let leastDelay = Duration.milliseconds(10)

  init(
    on loop: EventLoop, timeout: Duration?, attemptDelay: Duration,
    writeLimits: StreamConnection.WriteLimits,
    completion: @escaping (Result<TCPConnection, UVError>) -> Void
  ) {
    self.attemptDelay = max(attemptDelay, Self.leastDelay)
    self.writeLimits = writeLimits
    self.completion = completion
    super.init(on: loop, timeout: timeout)
  }

  func lookUp(_ host: String, _ port: UInt16) {
    resolver = Resolver.resolve(host, port: port, on: loop) { [self] result in
      guard resolver.take() != nil else { return }
      switch result {
      case .success(let addresses): connect(toAnyOf: addresses)
      case .failure(let error): finish(.failure(error))
      }
    }
  }

  func connect(toAnyOf addresses: [SocketAddress]) {
    core = HappyEyeballs(addresses)
    perform(core.begin())
  }

  override func didGiveUp() {
    guard let verdict, !core.isOver else { return }
    var error = UVError(verdict.code, during: .connect, detail: core.story)
    if let resolver = resolver.take() {
      error = UVError(verdict.code, during: .resolve, detail: resolver.host)
      resolver.cancel()
    }
    perform(core.giveUp())
    loop.nextTick { [self] in finish(.failure(error)) }
  }

  private func perform(_ actions: [HappyEyeballs.Action]) {
    for action in actions {
      switch action {
      case .connect(let place): begin(place)
      case .startDelay: startDelay()
      case .stopDelay: delay?.unschedule()
      case .abandon(let place): attempts.removeValue(forKey: place)?.cancel()
      // `begin(_:)` hands the connection over.
      case .succeed: break
      case .fail: loop.nextTick { [self] in finish(.failure(core.error)) }
      }
    }
  }

  private func startDelay() {
    let timer =
      delay
      ?? LoopTimer.unscheduled(on: loop) { [weak self] _ in
        guard let self else { return }
        perform(core.delayIsOver())
      }
    delay = timer
    timer.schedule(after: attemptDelay)
  }

  private func begin(_ place: Int) {
    attempts[place] = TCPConnection.connect(
      to: core.addresses[place], on: loop, timeout: nil, writeLimits: writeLimits
    ) { [self] result in
      guard attempts.removeValue(forKey: place) != nil else { return }
      switch result {
      case .success(let connection):
        perform(core.connected(place))
        finish(.success(connection))
      case .failure(let error):
        // A loop that ends closes every attempt, and lets no other begin.
        if loop.isEnding { cancel() } else { perform(core.failed(place, error)) }
      }
    }
  }

  private func finish(_ result: Result<TCPConnection, UVError>) {
    guard beginFinish(), let completion = completion.take() else { return }
    delay?.cancel()
    loop.dispatch { completion(result) }
  }
}
