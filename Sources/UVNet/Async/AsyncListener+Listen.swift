extension AsyncListener where Connection == TCPConnection {
  /// Binds and listens.
  ///
  /// - Parameters:
  ///   - address: Where to listen; port 0 asks for any free one.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  /// - Returns: The listener. Dropping it does not close it.
  /// - Throws: ``UVError/Code/addressInUse`` and the like, as ``TCPListener`` does.
  public static func listen(
    at address: SocketAddress, on loop: EventLoop,
    options: TCPListener.Options = TCPListener.Options(), onError: ((UVError) -> Void)? = nil
  ) throws(UVError) -> AsyncListener {
    let accepting = AsyncListener(try loop.startTasks())
    accepting.listeners = [
      try TCPListener.listen(
        at: address, on: loop, options: options, onError: onError.map { body in { body($1) } },
        onConnection: { accepting.didAccept($1) })
    ]
    return accepting
  }

  /// Listens at all of several addresses, or at none of them.
  ///
  /// - Parameters:
  ///   - addresses: Where to listen. With port 0 the system chooses one port, the same for all.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen. Where there are several addresses, `::` leaves IPv4 to the others.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  /// - Returns: One listener for all addresses. Dropping it does not close it.
  /// - Throws: As ``TCPListener/listen(atAllOf:on:options:onError:onConnection:)`` does.
  public static func listen(
    atAllOf addresses: [SocketAddress], on loop: EventLoop,
    options: TCPListener.Options = TCPListener.Options(), onError: ((UVError) -> Void)? = nil
  ) throws(UVError) -> AsyncListener {
    let accepting = AsyncListener(try loop.startTasks())
    accepting.listeners = try TCPListener.listen(
      atAllOf: addresses, on: loop, options: options, onError: onError.map { body in { body($1) } },
      onConnection: { accepting.didAccept($1) })
    return accepting
  }

  /// Listens at all addresses of a name, or at none of them.
  ///
  /// A thread of libuv's looks up a name; a numeric host starts no thread. See ``Resolver``.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address.
  ///   - port: The port; with 0 the system chooses one, the same for all addresses.
  ///   - loop: The loop to accept on.
  ///   - timeout: How long the look-up may take; `nil` leaves it to the system.
  ///   - options: How to listen. Where the name has several addresses, `::` leaves IPv4 to the others.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  /// - Returns: One listener for all addresses. Dropping it does not close it.
  /// - Throws: The look-up's error; the first address that cannot be listened at, which the detail
  ///   names; ``UVError/Code/canceled`` when the task is cancelled.
  public nonisolated(nonsending) static func listen(
    host: String, port: UInt16, on loop: EventLoop, timeout: Duration? = .seconds(10),
    options: TCPListener.Options = TCPListener.Options(), onError: ((UVError) -> Void)? = nil
  ) async throws(UVError) -> AsyncListener {
    let addresses = try await Resolver.resolve(host, port: port, timeout: timeout, on: loop)
    return try listen(atAllOf: addresses, on: loop, options: options, onError: onError)
  }

  /// Listens on a bound socket that something else has opened, such as a service manager.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the listener from now on; when the call throws it
  ///     still belongs to the caller.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen; what concerns binding is ignored.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  /// - Returns: The listener. Dropping it does not close it.
  /// - Throws: The system's error.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop,
    options: TCPListener.Options = TCPListener.Options(), onError: ((UVError) -> Void)? = nil
  ) throws(UVError) -> AsyncListener {
    let accepting = AsyncListener(try loop.startTasks())
    accepting.listeners = [
      try TCPListener.adopt(
        descriptor: descriptor, on: loop, options: options,
        onError: onError.map { body in { body($1) } }, onConnection: { accepting.didAccept($1) })
    ]
    return accepting
  }

  /// The address in use, the first of several; its port is the one that the system chose, where 0 was
  /// asked for.
  public var localAddress: SocketAddress {
    localAddresses.first ?? SocketAddress(.any, port: 0)
  }

  /// The addresses in use, in the order in which they were given.
  public var localAddresses: [SocketAddress] {
    listeners.compactMap { ($0 as? TCPListener)?.localAddress }
  }
}

extension AsyncListener where Connection == UnixConnection {
  /// Makes the socket's file and listens; ``UnixListener`` says what becomes of the file.
  ///
  /// - Parameters:
  ///   - address: Where to listen.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  /// - Returns: The listener. Dropping it does not close it.
  /// - Throws: As ``UnixListener/listen(at:on:options:onError:onConnection:)`` does.
  public static func listen(
    at address: UnixAddress, on loop: EventLoop,
    options: UnixListener.Options = UnixListener.Options(), onError: ((UVError) -> Void)? = nil
  ) throws(UVError) -> AsyncListener {
    let accepting = AsyncListener(try loop.startTasks())
    accepting.listeners = [
      try UnixListener.listen(
        at: address, on: loop, options: options, onError: onError.map { body in { body($1) } },
        onConnection: { accepting.didAccept($1) })
    ]
    return accepting
  }

  /// Listens on a bound socket that something else has opened, such as a service manager.
  ///
  /// Its file is left alone at the end.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the listener from now on; when the call throws it
  ///     still belongs to the caller.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen; what concerns the file is ignored.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  /// - Returns: The listener. Dropping it does not close it.
  /// - Throws: As ``UnixListener/adopt(descriptor:on:options:onError:onConnection:)`` does.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop,
    options: UnixListener.Options = UnixListener.Options(), onError: ((UVError) -> Void)? = nil
  ) throws(UVError) -> AsyncListener {
    let accepting = AsyncListener(try loop.startTasks())
    accepting.listeners = [
      try UnixListener.adopt(
        descriptor: descriptor, on: loop, options: options,
        onError: onError.map { body in { body($1) } }, onConnection: { accepting.didAccept($1) })
    ]
    return accepting
  }

  /// The address in use; `nil` only while there is none.
  public var localAddress: UnixAddress? {
    listeners.lazy.compactMap { ($0 as? UnixListener)?.localAddress }.first
  }
}
