extension TCPListener {
  /// Listens at all of several addresses, or at none of them.
  ///
  /// - Parameters:
  ///   - addresses: Where to listen. With port 0 the system chooses one port, the same for all.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen. Where there are several addresses, `::` leaves IPv4 to the others.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  ///   - onConnection: Called with each connection, which must be started or closed.
  /// - Returns: A listener for each address, in their order.
  /// - Throws: What ``listen(at:on:options:onError:onConnection:)`` does, with the address in the
  ///   detail; none of the addresses is listened at then.
  public static func listen(
    atAllOf addresses: [SocketAddress], on loop: EventLoop, options: Options = Options(),
    onError: ((TCPListener, UVError) -> Void)? = nil,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) -> [TCPListener] {
    guard !addresses.isEmpty else {
      throw UVError(.invalidArgument, during: .listen, detail: "no address to listen at")
    }
    var options = options
    if addresses.count > 1 { options.ipv6Only = true }
    // The port that is free at the first address may be in use at another.
    var tries = addresses.count > 1 && addresses.contains { $0.port == 0 } ? 16 : 1
    while true {
      tries -= 1
      var listeners: [TCPListener] = []
      var port: UInt16 = 0
      do throws(UVError) {
        for wanted in addresses {
          let address = wanted.port == 0 ? SocketAddress(wanted.address, port: port) : wanted
          let listener = try listen(
            address, on: loop, options: options, onError: onError, onConnection: onConnection)
          if wanted.port == 0 { port = listener.localAddress.port }
          listeners.append(listener)
        }
        return listeners
      } catch {
        for listener in listeners { listener.close() }
        guard error.code == .addressInUse, tries > 0 else { throw error }
      }
    }
  }

  /// Listens, and names the address where that fails.
  private static func listen(
    _ address: SocketAddress, on loop: EventLoop, options: Options,
    onError: ((TCPListener, UVError) -> Void)?,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) -> TCPListener {
    do throws(UVError) {
      return try listen(
        at: address, on: loop, options: options, onError: onError, onConnection: onConnection)
    } catch {
      let detail = error.detail.map { "\(address), \($0)" } ?? "\(address)"
      throw UVError(error.code, during: error.operation, domain: error.domain, detail: detail)
    }
  }

  /// Listens at all addresses of a name, or at none of them.
  ///
  /// A name is looked up by a thread that libuv starts; see ``Resolver``. For a numeric host no
  /// thread is started.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address.
  ///   - port: The port; with 0 the system chooses one, the same for all addresses.
  ///   - loop: The loop to accept on.
  ///   - timeout: How long the look-up may take; `nil` leaves it to the system.
  ///   - options: How to listen. Where the name has several addresses, `::` leaves IPv4 to the others.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  ///   - onConnection: Called with each connection, which must be started or closed.
  ///   - completion: Called exactly once, never by this call itself: with a listener for each address,
  ///     or with the reason why there is none, which names the address that it is about.
  /// - Returns: The look-up, to cancel it.
  @discardableResult
  public static func listen(
    host: String, port: UInt16, on loop: EventLoop, timeout: Duration? = .seconds(10),
    options: Options = Options(), onError: ((TCPListener, UVError) -> Void)? = nil,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void,
    completion: @escaping (Result<[TCPListener], UVError>) -> Void
  ) -> Resolver {
    Resolver.resolve(host, port: port, timeout: timeout, on: loop) { result in
      do throws(UVError) {
        completion(
          .success(
            try listen(
              atAllOf: result.get(), on: loop, options: options, onError: onError,
              onConnection: onConnection)))
      } catch {
        completion(.failure(error))
      }
    }
  }
}
