/// Options of TCP connections, in one form for those that are accepted and those that are made.
public struct TCPOptions: Hashable, Sendable {
  /// Whether small segments are sent at once (TCP_NODELAY), in place of waiting to fill them.
  public var noDelay: Bool
  /// How a silent peer is probed, so that one that is gone is noticed; `nil` leaves the socket as
  /// it is, by default without probes.
  public var keepAlive: KeepAlive?
  /// How long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, RFC 5482), in whole
  /// milliseconds; zero is the system's default, `nil` leaves it as it is.
  ///
  /// Only Linux has it; elsewhere it does nothing.
  public var userTimeout: Duration?

  /// Makes a set of options.
  public init(noDelay: Bool = true, keepAlive: KeepAlive? = nil, userTimeout: Duration? = nil) {
    self.noDelay = noDelay
    self.keepAlive = keepAlive
    self.userTimeout = userTimeout
  }

  /// How the system probes a silent peer (SO_KEEPALIVE, RFC 9293 section 3.8.4).
  public struct KeepAlive: Hashable, Sendable {
    /// Silence before the first probe, in whole seconds, at least one.
    public var idle: Duration
    /// The time between probes, in whole seconds, at least one.
    public var interval: Duration
    /// Unanswered probes after which the connection fails, 1 to 127.
    public var count: Int

    /// Makes a set of numbers, which the system checks when they are applied.
    public init(idle: Duration, interval: Duration, count: Int) {
      self.idle = idle
      self.interval = interval
      self.count = count
    }
  }

  /// Sets them on a socket.
  ///
  /// A connection works without each of them, so one that the system does not have is no failure.
  ///
  /// - Returns: Those that the system does not have.
  func apply(to descriptor: Int32) throws(UVError) -> [UVError] {
    // Not by libuv's function, which sets the interval and the count to values of its own.
    var settings: [(SocketOption, Int)] = [(.noDelay, noDelay ? 1 : 0)]
    if let keepAlive {
      settings += [
        (.keepAliveIdle, Int(clamping: keepAlive.idle.components.seconds)),
        (.keepAliveInterval, Int(clamping: keepAlive.interval.components.seconds)),
        (.keepAliveCount, keepAlive.count), (.keepAlive, 1),
      ]
    }
    if let userTimeout {
      settings.append((.userTimeout, Int(clamping: userTimeout.wholeMilliseconds)))
    }
    var refused: [UVError] = []
    for (option, value) in settings {
      do throws(UVError) {
        try option.set(value, on: descriptor)
      } catch {
        guard error.code.isMissingFeature else { throw error }
        refused.append(error)
      }
    }
    return refused
  }
}

extension Duration {
  /// Whole milliseconds, rounded up, so that the timeout is never shorter than the given time.
  fileprivate var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let rest = attoseconds / 1_000_000_000_000_000
    return scaled + rest + (attoseconds > rest * 1_000_000_000_000_000 ? 1 : 0)
  }
}
