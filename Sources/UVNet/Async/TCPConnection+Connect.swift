extension TCPConnection {
  /// Connects to a server.
  ///
  /// - Parameters:
  ///   - address: Where to connect to.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long it may take; `nil` leaves it to the system, which takes minutes.
  ///   - limits: How much may be on its way out.
  /// - Returns: The connection. Whoever connects closes it.
  /// - Throws: ``UVError/Code/timedOut`` when the time is over; ``UVError/Code/canceled`` when the
  ///   task is cancelled, in which case nothing is left open; otherwise the system's error.
  public nonisolated(nonsending) static func connect(
    to address: SocketAddress, on loop: EventLoop, timeout: Duration? = .seconds(10),
    limits: WriteLimits = WriteLimits()
  ) async throws(UVError) -> TCPConnection {
    let tasks = try loop.startTasks()
    guard !tasks.isEnding else { throw UVError(.canceled, during: .connect) }
    let answer = Answer<TCPConnection>()
    let attempt = connect(to: address, on: loop, timeout: timeout, limits: limits) {
      answer.give($0)
    }
    if await answer.wait.suspend(tasks.executor) == .canceled {
      attempt.cancel()
      if case .success(let connection) = answer.result { connection.close() }
      throw UVError(.canceled, during: .connect)
    }
    guard let result = answer.result else { throw UVError(.canceled, during: .connect) }
    return try result.get()
  }
}

extension Resolver {
  /// Finds all addresses of a host, in the order in which the system recommends to try them.
  ///
  /// A name is looked up by a thread of libuv's; a numeric address is not, and starts none.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address, which is given back as it is.
  ///   - port: The port of the addresses that are given back.
  ///   - loop: The loop to wait on.
  /// - Returns: At least one address.
  /// - Throws: The reason why there is none; ``UVError/Code/canceled`` when the task is cancelled.
  public nonisolated(nonsending) static func resolve(
    _ host: String, port: UInt16, on loop: EventLoop
  ) async throws(UVError) -> [SocketAddress] {
    let tasks = try loop.startTasks()
    guard !tasks.isEnding else { throw UVError(.canceled, during: .resolve) }
    let answer = Answer<[SocketAddress]>()
    let lookup = resolve(host, port: port, on: loop) { answer.give($0) }
    if await answer.wait.suspend(tasks.executor) == .canceled {
      lookup.cancel()
      throw UVError(.canceled, during: .resolve)
    }
    guard let result = answer.result else { throw UVError(.canceled, during: .resolve) }
    return try result.get()
  }
}
