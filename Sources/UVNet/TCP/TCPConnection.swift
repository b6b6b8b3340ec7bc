internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A TCP connection, accepted by a ``TCPListener`` or made with ``connect(to:from:on:timeout:writeLimits:completion:)``.
public final class TCPConnection: StreamConnection {
  /// Stored when it is known, so that it is still available after the close.
  var peer = PeerAddress.unknown

  init(on loop: EventLoop, limits: SharedLimits) throws(UVError) {
    try unsafe super.init(UV_TCP, on: loop, limits: limits) { loop, raw in
      unsafe uv_tcp_init(loop, cuv_tcp(raw))
    }
  }

  /// Connects to a server.
  ///
  /// Every failure reaches `completion`, which is called exactly once and never by this call
  /// itself: ``UVError/Code/timedOut`` when the time is over, ``UVError/Code/canceled`` after
  /// ``ConnectAttempt/cancel()``.
  ///
  /// If no server listens at a port that the system also gives to connections, it may give that
  /// same port to this one, which then connects to itself (RFC 9293 section 3.5, simultaneous
  /// open). That counts as ``UVError/Code/connectionRefused``.
  ///
  /// - Parameters:
  ///   - address: Where to connect to.
  ///   - source: The address to connect from, with port 0 for any free one; `nil` leaves it to the
  ///     system.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long it may take; `nil` leaves it to the system, which takes minutes.
  ///   - writeLimits: How many bytes may wait to be sent.
  ///   - completion: Called with the connection, which must then be started or closed; or with the
  ///     reason why there is none.
  /// - Returns: The attempt, to cancel it.
  @discardableResult
  public static func connect(
    to address: SocketAddress, from source: SocketAddress? = nil, on loop: EventLoop,
    timeout: Duration? = .seconds(10), writeLimits: WriteLimits = WriteLimits(),
    completion: @escaping (Result<TCPConnection, UVError>) -> Void
  ) -> ConnectAttempt {
    TCPConnectAttempt(
      to: address, from: source, on: loop, timeout: timeout, limits: SharedLimits(writeLimits),
      completion: completion)
  }

  /// Sets the address to connect from.
  func bind(to source: SocketAddress) throws(UVError) {
    let status = unsafe source.withSockaddr { unsafe uv_tcp_bind(cuv_tcp(raw), $0, 0) }
    guard status == 0 else { throw UVError(status, .connect) }
  }

  /// Whether both ends are one and the same.
  var isConnectedToItself: Bool {
    guard let localAddress else { return false }
    return localAddress == remoteAddress
  }

  /// Takes over a connected socket that something else has opened, such as a parent process.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the connection from now on, and is set not to block;
  ///     when the call throws it still belongs to the caller.
  ///   - loop: The loop to use it on.
  ///   - writeLimits: How many bytes may wait to be sent.
  /// - Returns: The connection, to be started.
  /// - Throws: The system's error, such as ``UVError/Code/badDescriptor``, or
  ///   ``UVError/Code/notConnected``.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop, writeLimits: WriteLimits = WriteLimits()
  ) throws(UVError) -> TCPConnection {
    var error: Int32 = 0
    let peer = unsafe SocketAddress.read { address, length in
      var size = unsafe socklen_t(length.pointee)
      if unsafe getpeername(descriptor, address, &size) != 0 { error = -errno }
      return error
    }
    guard error == 0 else { throw UVError(error, .open) }
    let connection = try connected(descriptor, on: loop, limits: SharedLimits(writeLimits))
    connection.peer = PeerAddress(peer)
    connection.watchWhileQuiet()
    return connection
  }

  /// Takes over a socket that a connection on this or another loop has given up.
  ///
  /// - Parameters:
  ///   - socket: What ``StreamConnection/detach()`` gave. When the call throws it still has the socket.
  ///   - loop: The loop to use it on.
  ///   - writeLimits: How many bytes may wait to be sent.
  /// - Returns: The connection, to be started.
  /// - Throws: As ``adopt(descriptor:on:writeLimits:)`` does; ``UVError/Code/badDescriptor`` when the socket
  ///   was taken before, ``UVError/Code/notConnected`` when the peer has reset the connection since.
  public static func adopt(
    _ socket: DetachedSocket, on loop: EventLoop, writeLimits: WriteLimits = WriteLimits()
  ) throws(UVError) -> TCPConnection {
    try socket.hand { (descriptor) throws(UVError) in
      try adopt(descriptor: descriptor, on: loop, writeLimits: writeLimits)
    }
  }

  /// The connection whose socket is `descriptor`, which belongs to it unless the call throws.
  static func connected(
    _ descriptor: Int32, on loop: EventLoop, limits: SharedLimits
  ) throws(UVError) -> TCPConnection {
    let connection = try TCPConnection(on: loop, limits: limits)
    let status = unsafe uv_tcp_open(cuv_tcp(connection.raw), descriptor)
    guard status == 0 else {
      connection.discard()
      throw UVError(status, .open)
    }
    return connection
  }

  /// Drops the connection: what was not sent is lost, and the peer receives a reset.
  public func reset() {
    loop.checkThread()
    guard !isClosing else { return }
    progress.insert(.withoutLastOffer)
    unsafe beginClose { raw in
      let status = unsafe uv_tcp_close_reset(cuv_tcp(raw)) { raw in
        guard let raw = unsafe raw else { return }
        unsafe Handle.finishClose(raw)
      }
      // libuv refuses while a shutdown is under way; then the connection is closed in the ordinary
      // way.
      guard status != 0 else { return }
      unsafe uv_close(raw) { raw in
        guard let raw = unsafe raw else { return }
        unsafe Handle.finishClose(raw)
      }
    }
  }

  /// The address of this end; `nil` when the system does not know it any more.
  ///
  /// On a socket that takes IPv4 and IPv6, an IPv4 address is given as such, not as
  /// `::ffff:10.0.0.1`.
  public var localAddress: SocketAddress? {
    guard !isClosing else { return nil }
    return unsafe SocketAddress.read { storage, length in
      unsafe uv_tcp_getsockname(cuv_tcp(raw), storage, length)
    }?.unmapped
  }

  /// The address of the peer, in `onClose` and later too.
  ///
  /// An IPv4 peer of a socket that takes both is given by its IPv4 address. It is `nil` only where
  /// the system did not report it, as for a socket that is no IP socket.
  public var remoteAddress: SocketAddress? { peer.address }

  /// Asks the system for the peer's address: a connection to 0.0.0.0 reaches 127.0.0.1.
  func learnPeer() {
    let address = unsafe SocketAddress.read { storage, length in
      unsafe uv_tcp_getpeername(cuv_tcp(raw), storage, length)
    }
    if let address { peer = PeerAddress(address) }
  }

  /// Whether small segments are sent at once (TCP_NODELAY); false once the connection is closed.
  public var noDelay: Bool {
    guard let descriptor = try? descriptor() else { return false }
    return SocketOption.noDelay.value(on: descriptor) == 1
  }

  /// Sets options.
  ///
  /// - Parameter options: The options.
  /// - Returns: Those that this system does not have, each with the reason; the connection works
  ///   without them.
  /// - Throws: The system's error, which names the option: ``UVError/Code/invalidArgument`` for a
  ///   value out of range, ``UVError/Code/badDescriptor`` when the connection is closed.
  @discardableResult
  public func setOptions(_ options: TCPOptions) throws(UVError) -> [UVError] {
    try options.apply(to: descriptor())
  }

  override var debugName: String {
    remoteAddress.map { "TCPConnection \($0)" } ?? super.debugName
  }
}
