extension StreamConnection {
  /// What keeps a connection from being idle.
  public struct IdleTraffic: OptionSet, Hashable, Sendable {
    /// The kinds as a number.
    public let rawValue: Int

    /// Makes a set from its number.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Bytes that come from the peer.
    public static let received = IdleTraffic(rawValue: 1)
    /// Bytes that the kernel takes: of a peer that reads nothing it soon takes no more.
    public static let sent = IdleTraffic(rawValue: 2)
  }

  /// How long the connection may be idle before it is closed; `nil`, unless
  /// ``setIdleTimeout(_:counting:)`` has set a time.
  public final var idleTimeout: Duration? {
    existingRare?.idleWatch.map { .nanoseconds(Int64(clamping: $0.timeout)) }
  }

  /// Closes the connection, for the reason ``CloseReason/idle``, when no bytes have moved for this
  /// time.
  ///
  /// Never early, and late by an eighth of the time at most, or by 20 ms where that is longer. Time
  /// during which the loop stood still does not count. A connection whose reading is paused
  /// receives nothing, whatever its peer sends. A graceful close ends this timeout, and has a
  /// deadline of its own.
  ///
  /// It costs no timer: all connections with the same timeout are checked together, periodically.
  ///
  /// - Parameters:
  ///   - timeout: The time, from now on at first, at least a millisecond; `nil` for none.
  ///   - traffic: What counts: bytes received, bytes sent, or either.
  public final func setIdleTimeout(
    _ timeout: Duration?, counting traffic: IdleTraffic = [.received, .sent]
  ) {
    loop.checkThread()
    guard !isClosing, !isEnding else { return }
    stopIdleWatch()
    guard let timeout else { return }
    let watch = IdleWatch(
      self, timeout: max(timeout, .milliseconds(1)), traffic, at: loop.now.nanoseconds)
    rare.idleWatch = watch
    loop.watch(watch)
  }

  final func stopIdleWatch() {
    guard let rare = existingRare, let watch = rare.idleWatch else { return }
    rare.idleWatch = nil
    loop.stopWatching(watch)
  }

  /// A number that changes when bytes of these kinds move.
  final func count(of traffic: IdleTraffic) -> UInt64 {
    (traffic.contains(.received) ? bytesRead : 0)
      &+ (traffic.contains(.sent) ? bytesWritten : 0)
  }
}
