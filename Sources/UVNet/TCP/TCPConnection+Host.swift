extension TCPConnection {
  /// Connects to a server by its name, as RFC 8305 says ("Happy Eyeballs").
  ///
  /// The name's addresses are tried in the system's order, but in turn from both families. The next
  /// attempt begins as soon as one fails, or `attemptDelay` after the previous one began, while
  /// earlier ones continue. The first connection that is established is kept, and all other
  /// attempts are cancelled. So an address that does not answer costs `attemptDelay`, and not the
  /// timeout.
  ///
  /// The system gives the addresses of both families at once, so the RFC's resolution delay does not
  /// apply. A thread that libuv starts resolves a name; see ``Resolver``. A numeric host starts none.
  ///
  /// Every failure reaches `completion`, which is called exactly once and never by this call
  /// itself: when all addresses have failed, with the code of the last one and a detail that lists
  /// each; ``UVError/Code/timedOut`` when the time is over; ``UVError/Code/canceled`` after
  /// ``ConnectAttempt/cancel()``; the look-up's error.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address.
  ///   - port: The port.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long all of it may take, the look-up included; `nil` leaves it to the system.
  ///   - attemptDelay: The time between the beginnings of two attempts, at least 10 ms; RFC 8305
  ///     section 8 recommends 250 ms, and 100 ms to 2 s as bounds.
  ///   - writeLimits: How many bytes may wait to be sent.
  ///   - completion: Called with the connection, which must then be started or closed; or with the
  ///     reason why there is none.
  /// - Returns: The attempt, to cancel it, and to see what happened to each address.
  @discardableResult
  public static func connect(
    host: String, port: UInt16, on loop: EventLoop, timeout: Duration? = .seconds(10),
    attemptDelay: Duration = .milliseconds(250), writeLimits: WriteLimits = WriteLimits(),
    completion: @escaping (Result<TCPConnection, UVError>) -> Void
  ) -> HostConnectAttempt {
    let attempt = HostConnectAttempt(
      on: loop, timeout: timeout, attemptDelay: attemptDelay, writeLimits: writeLimits,
      completion: completion)
    attempt.lookUp(host, port)
    return attempt
  }

  /// Connects to a server that has several addresses, as
  /// ``connect(host:port:on:timeout:attemptDelay:writeLimits:completion:)`` does with those of a name.
  ///
  /// - Parameters:
  ///   - addresses: Where to connect to, the preferred one first. Those of the two families take
  ///     turns, whatever their order here.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long all of it may take; `nil` leaves it to the system.
  ///   - attemptDelay: The time between the beginnings of two attempts, at least 10 ms.
  ///   - writeLimits: How many bytes may wait to be sent.
  ///   - completion: Called with the connection, which must then be started or closed; or with the
  ///     reason why there is none, ``UVError/Code/destinationRequired`` for no addresses.
  /// - Returns: The attempt, to cancel it, and to see what happened to each address.
  @discardableResult
  public static func connect(
    toAnyOf addresses: [SocketAddress], on loop: EventLoop, timeout: Duration? = .seconds(10),
    attemptDelay: Duration = .milliseconds(250), writeLimits: WriteLimits = WriteLimits(),
    completion: @escaping (Result<TCPConnection, UVError>) -> Void
  ) -> HostConnectAttempt {
    let attempt = HostConnectAttempt(
      on: loop, timeout: timeout, attemptDelay: attemptDelay, writeLimits: writeLimits,
      completion: completion)
    attempt.connect(toAnyOf: addresses)
    return attempt
  }
}
