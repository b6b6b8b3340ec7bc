extension TCPConnection {
  /// Connects to a server.
  ///
  /// - Parameters:
  ///   - address: Where to connect to.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long it may take; `nil` leaves it to the system, which takes minutes.
  ///   - writeLimits: How many bytes may wait to be sent.
  /// - Returns: The connection. Whoever connects closes it.
  /// - Throws: ``UVError/Code/timedOut`` when the time is over; ``UVError/Code/canceled`` when the
  ///   task is cancelled, in which case nothing is left open; otherwise the system's error.
  public nonisolated(nonsending) static func connect(
    to address: SocketAddress, on loop: EventLoop, timeout: Duration? = .seconds(10),
    writeLimits: WriteLimits = WriteLimits()
  ) async throws(UVError) -> TCPConnection {
    try await loop.startTasks().answer(during: .connect, discard: { $0.close() }) { give in
      connect(to: address, on: loop, timeout: timeout, writeLimits: writeLimits, completion: give)
        .cancel
    }
  }

  /// Connects to a server by its name, as RFC 8305 says: the name's addresses are tried in turn
  /// from both families, and the first connection that is established is kept.
  ///
  /// ``connect(host:port:on:timeout:attemptDelay:writeLimits:completion:)`` says more.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address.
  ///   - port: The port.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long all of it may take, the look-up included; `nil` leaves it to the system.
  ///   - attemptDelay: The time between the beginnings of two attempts, at least 10 ms.
  ///   - writeLimits: How many bytes may wait to be sent.
  /// - Returns: The connection. Whoever connects closes it.
  /// - Throws: ``UVError/Code/timedOut`` when the time is over; ``UVError/Code/canceled`` when the
  ///   task is cancelled, in which case nothing is left open; the look-up's error; when all
  ///   addresses have failed, the last one's error, whose detail lists each.
  public nonisolated(nonsending) static func connect(
    host: String, port: UInt16, on loop: EventLoop, timeout: Duration? = .seconds(10),
    attemptDelay: Duration = .milliseconds(250), writeLimits: WriteLimits = WriteLimits()
  ) async throws(UVError) -> TCPConnection {
    try await loop.startTasks().answer(during: .connect, discard: { $0.close() }) { give in
      connect(
        host: host, port: port, on: loop, timeout: timeout, attemptDelay: attemptDelay,
        writeLimits: writeLimits, completion: give
      ).cancel
    }
  }
}

extension Resolver {
  /// Finds all addresses of a host, in the order in which the system recommends to try them.
  ///
  /// A thread of libuv's resolves a name; a numeric address starts no thread.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address, which is given back as it is.
  ///   - port: The port of the addresses that are given back.
  ///   - family: Which addresses are wanted.
  ///   - timeout: How long it may take; `nil` leaves it to the system.
  ///   - loop: The loop to wait on.
  /// - Returns: At least one address.
  /// - Throws: The reason why there is none; ``UVError/Code/canceled`` when the task is cancelled.
  public nonisolated(nonsending) static func resolve(
    _ host: String, port: UInt16, family: Family = .any, timeout: Duration? = nil,
    on loop: EventLoop
  ) async throws(UVError) -> [SocketAddress] {
    try await loop.startTasks().answer(during: .resolve) { give in
      resolve(host, port: port, family: family, timeout: timeout, on: loop, completion: give).cancel
    }
  }

  /// Finds all addresses at which a host gives a service; see
  /// ``resolve(_:service:transport:family:timeout:on:completion:)``.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address.
  ///   - service: A port as a number, or a service's name.
  ///   - transport: Which transport's port the service's name stands for.
  ///   - family: Which addresses are wanted.
  ///   - timeout: How long it may take; `nil` leaves it to the system.
  ///   - loop: The loop to wait on.
  /// - Returns: At least one address.
  /// - Throws: The reason why there is none; ``UVError/Code/canceled`` when the task is cancelled.
  public nonisolated(nonsending) static func resolve(
    _ host: String, service: String, transport: Transport = .tcp, family: Family = .any,
    timeout: Duration? = nil, on loop: EventLoop
  ) async throws(UVError) -> [SocketAddress] {
    try await loop.startTasks().answer(during: .resolve) { give in
      resolve(
        host, service: service, transport: transport, family: family, timeout: timeout, on: loop,
        completion: give
      ).cancel
    }
  }
}
