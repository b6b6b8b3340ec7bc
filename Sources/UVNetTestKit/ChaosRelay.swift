public import UVNet

/// A relay between clients and a server that behaves like a bad network.
///
/// It delays, splits and merges bytes, cuts and resets connections, and corrupts bytes. The faults of a
/// connection depend on the relay's seed, the connection's number and positions in its streams, so that a
/// seed that found a fault finds it again.
public final class ChaosRelay {
  /// How bad the network is.
  ///
  /// The defaults only delay, split and merge, which lose nothing.
  public struct Faults: Hashable, Sendable {
    /// The longest time that bytes are held; bytes that come meanwhile are merged with them.
    public var longestDelay: Duration
    /// The most bytes that are passed on at once.
    public var largestPiece: Int
    /// Bytes of a stream between two faults, on average; 0 for none.
    public var bytesBetweenFaults: Int
    /// What may happen at a fault.
    public var kinds: [Fault]

    /// Makes a set of faults.
    public init(
      longestDelay: Duration = .milliseconds(3), largestPiece: Int = 4096,
      bytesBetweenFaults: Int = 0, kinds: [Fault] = Fault.allCases
    ) {
      self.longestDelay = longestDelay
      self.largestPiece = max(1, largestPiece)
      self.bytesBetweenFaults = max(0, bytesBetweenFaults)
      self.kinds = kinds
    }
  }

  /// What may happen to a connection.
  public enum Fault: String, Hashable, Sendable, CaseIterable {
    /// Both streams end (FIN) after what was passed on so far.
    case cut
    /// Both ends get a reset.
    case reset
    /// One bit of one byte is flipped.
    case corrupt
  }

  /// The seed of all random decisions; print it when a test fails.
  public let seed: UInt64
  /// Where clients connect to.
  public var address: SocketAddress { listener?.localAddress ?? SocketAddress(.loopback, port: 0) }
  /// Connections relayed so far.
  public private(set) var connectionCount = 0
  /// Faults that happened so far.
  public private(set) var counts: [Fault: Int] = [:]

  private let loop: EventLoop
  private let target: SocketAddress
  private let faults: Faults
  private var listener: TCPListener?
  private var links: [Link] = []

  /// Begins to relay from a free port of 127.0.0.1.
  ///
  /// - Parameters:
  ///   - target: The server.
  ///   - loop: The loop to work on.
  ///   - seed: The seed of all random decisions; a random one if none is given.
  ///   - faults: How bad the network is.
  /// - Throws: The error of listening.
  public init(
    to target: SocketAddress, on loop: EventLoop, seed: UInt64 = .random(in: .min ... .max),
    faults: Faults = Faults()
  ) throws(UVError) {
    self.seed = seed
    self.loop = loop
    self.target = target
    self.faults = faults
    listener = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) {
      [unowned self] _, client in relay(client)
    }
  }

  /// Stops relaying; connections that exist are reset.
  public func close() {
    listener?.close()
    for link in links { link.reset() }
  }

  private func relay(_ client: TCPConnection) {
    connectionCount += 1
    let random = SplitMix64(seed: seed &+ UInt64(connectionCount) &* 0x9e37_79b9_7f4a_7c15)
    TCPConnection.connect(to: target, on: loop) { [weak self] result in
      guard let self, case .success(let server) = result else { return client.reset() }
      let link = Link(client, server, faults, random) { [weak self] in
        self?.counts[$0, default: 0] += 1
      }
      links.append(link)
      link.onClose = { [weak self, unowned link] in self?.links.removeAll { $0 === link } }
      link.start()
    }
  }
}

extension ChaosRelay: CustomStringConvertible {
  /// What a failing test should print: the seed, which replays the run, and what happened.
  public var description: String {
    let faults = counts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
    return "ChaosRelay seed \(seed), \(connectionCount) connections, faults: \(faults)"
  }
}

/// One relayed connection.
private final class Link {
  private let client: TCPConnection
  private let server: TCPConnection
  private var open = 2
  private var up: Stream
  private var down: Stream
  private let count: (ChaosRelay.Fault) -> Void
  var onClose: () -> Void = {}

  init(
    _ client: TCPConnection, _ server: TCPConnection, _ faults: ChaosRelay.Faults,
    _ random: SplitMix64, count: @escaping (ChaosRelay.Fault) -> Void
  ) {
    var random = random
    self.client = client
    self.server = server
    self.count = count
    up = Stream(from: client, to: server, faults, SplitMix64(seed: random.next()))
    down = Stream(from: server, to: client, faults, SplitMix64(seed: random.next()))
  }

  func start() {
    for stream in [up, down] {
      stream.onFault = { [unowned self] fault in happen(fault) }
      // The handlers keep the link alive until both ends are closed.
      stream.source.start(
        .init(
          onData: { _, bytes in stream.receive(bytes) },
          onEnd: { _ in stream.receiveEnd() },
          onDrain: { [unowned self] _ in (stream === up ? down : up).resume() },
          onClose: { _, reason in self.closed(stream, reason) }))
    }
  }

  func reset() {
    client.reset()
    server.reset()
  }

  private func happen(_ fault: ChaosRelay.Fault) {
    count(fault)
    switch fault {
    case .cut:
      client.closeGracefully(within: .milliseconds(200))
      server.closeGracefully(within: .milliseconds(200))
    case .reset: reset()
    case .corrupt: break
    }
  }

  private func closed(_ stream: Stream, _ reason: CloseReason) {
    stream.stop()
    // Bytes on their way to this end are still sent; a failure of one end fails the other.
    if reason.error != nil { stream.sink.reset() }
    open -= 1
    if open == 0 { onClose() }
  }
}

/// One direction of a relayed connection.
private final class Stream {
  let source: TCPConnection
  let sink: TCPConnection
  var onFault: (ChaosRelay.Fault) -> Void = { _ in }
  private let faults: ChaosRelay.Faults
  /// Decides about faults, at positions that do not depend on timing.
  private var misfortune: SplitMix64
  /// Decides about delays and pieces.
  private var timing: SplitMix64
  private var held: [UInt8] = []
  private var hasEnded = false
  private var position = 0
  private var nextFault: Int
  private var timer: LoopTimer?

  init(
    from source: TCPConnection, to sink: TCPConnection, _ faults: ChaosRelay.Faults,
    _ random: SplitMix64
  ) {
    self.source = source
    self.sink = sink
    self.faults = faults
    misfortune = random
    timing = SplitMix64(seed: misfortune.next())
    nextFault = 0
    nextFault = distanceToFault()
    timer = LoopTimer.unscheduled(on: source.loop) { [unowned self] _ in passOn() }
  }

  func receive(_ bytes: RawSpan) {
    held += bytes.array
    if held.count > 65536 { source.pauseReading() }
    wait()
  }

  func receiveEnd() {
    hasEnded = true
    wait()
  }

  func resume() { wait() }

  func stop() {
    timer?.cancel()
    timer = nil
  }

  private func wait() {
    guard let timer, !timer.isScheduled else { return }
    let longest = faults.longestDelay / .microseconds(1)
    timer.schedule(after: .microseconds(timing.below(Int(longest) + 1)))
  }

  private func passOn() {
    guard sink.isWritable else { return }  // its drain wakes us
    let count = min(held.count, 1 + timing.below(faults.largestPiece))
    guard count > 0 else {
      if hasEnded { sink.shutdown() }
      return
    }
    var piece = Array(held[..<count])
    held.removeFirst(count)
    let end = befall(&piece)
    position += count
    do { try sink.write(piece) } catch { return sink.close() }
    if let end { return onFault(end) }
    if held.count < 32768 { source.resumeReading() }
    if !held.isEmpty || hasEnded { wait() }
  }

  /// Applies the faults that are due in a piece, and returns the one that ends the connection.
  private func befall(_ piece: inout [UInt8]) -> ChaosRelay.Fault? {
    while position + piece.count > nextFault, !faults.kinds.isEmpty {
      let fault = faults.kinds[misfortune.below(faults.kinds.count)]
      let place = nextFault - position
      nextFault += distanceToFault()
      guard fault == .corrupt else {
        piece.removeSubrange(place...)
        return fault
      }
      piece[place] ^= 1 << UInt8(misfortune.below(8))
      onFault(.corrupt)
    }
    return nil
  }

  private func distanceToFault() -> Int {
    faults.bytesBetweenFaults == 0 ? .max : 1 + misfortune.below(2 * faults.bytesBetweenFaults)
  }
}
