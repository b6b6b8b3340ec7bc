internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A connection by a Unix socket, accepted by a ``UnixListener`` or made with
/// ``connect(to:on:timeout:writeLimits:completion:)``.
///
/// It is a stream like any other, with two differences. It has no reset of its own, but a peer that
/// closes with input unread is reported as ``UVError/Code/connectionReset``. And a peer that closes
/// after its end is noticed within a second, even if nothing is written to it.
public final class UnixConnection: StreamConnection {
  /// Who is at the other end; known in `onClose` and later, too.
  ///
  /// It is `nil` only where the system does not report it.
  public let peerCredentials: PeerCredentials?

  private init(
    peer: PeerCredentials?, on loop: EventLoop, limits: SharedLimits
  ) throws(UVError) {
    peerCredentials = peer
    try unsafe super.init(UV_NAMED_PIPE, on: loop, limits: limits) { loop, raw in
      unsafe uv_pipe_init(loop, cuv_pipe(raw), 0)
    }
  }

  /// Connects to a server.
  ///
  /// Every failure reaches `completion`, which is called exactly once and never by this call
  /// itself: ``UVError/Code/connectionRefused`` where no process listens at the file,
  /// ``UVError/Code/noSuchFile``, ``UVError/Code/accessDenied`` without the permission to write to
  /// the file, ``UVError/Code/timedOut`` when the time is over, ``UVError/Code/canceled`` after
  /// ``ConnectAttempt/cancel()``.
  ///
  /// A server whose backlog is full is tried again until the time is over: the system does not wait
  /// for room.
  ///
  /// - Parameters:
  ///   - address: Where to connect to.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long it may take; `nil` for ever.
  ///   - writeLimits: How many bytes may wait to be sent.
  ///   - completion: Called with the connection, which must then be started or closed; or with the
  ///     reason why there is none.
  /// - Returns: The attempt, to cancel it.
  @discardableResult
  public static func connect(
    to address: UnixAddress, on loop: EventLoop, timeout: Duration? = .seconds(10),
    writeLimits: WriteLimits = WriteLimits(),
    completion: @escaping (Result<UnixConnection, UVError>) -> Void
  ) -> ConnectAttempt {
    UnixConnectAttempt(
      to: address, on: loop, timeout: timeout, limits: SharedLimits(writeLimits),
      completion: completion)
  }

  /// Takes over a connected socket that something else has opened, such as one end of a pair.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the connection from now on, and is set not to block;
  ///     when the call throws it still belongs to the caller.
  ///   - loop: The loop to use it on.
  ///   - writeLimits: How many bytes may wait to be sent.
  /// - Returns: The connection, to be started.
  /// - Throws: The system's error, such as ``UVError/Code/badDescriptor``,
  ///   ``UVError/Code/notConnected``, or ``UVError/Code/invalidArgument`` for a socket of another kind.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop, writeLimits: WriteLimits = WriteLimits()
  ) throws(UVError) -> UnixConnection {
    var error: Int32 = 0
    let peer = unsafe UnixAddress.read { address, size in
      if unsafe getpeername(descriptor, address, size) != 0 { error = -errno }
      return error
    }
    guard error == 0 else { throw UVError(error, .open) }
    guard peer != nil else {
      throw UVError(.invalidArgument, during: .open, detail: "not a Unix socket")
    }
    let connection = try connected(descriptor, on: loop, limits: SharedLimits(writeLimits))
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
  ///   was taken before.
  public static func adopt(
    _ socket: DetachedSocket, on loop: EventLoop, writeLimits: WriteLimits = WriteLimits()
  ) throws(UVError) -> UnixConnection {
    try socket.hand { (descriptor) throws(UVError) in
      try adopt(descriptor: descriptor, on: loop, writeLimits: writeLimits)
    }
  }

  /// The connection whose socket is `descriptor`, which belongs to it unless the call throws.
  static func connected(
    _ descriptor: Int32, on loop: EventLoop, limits: SharedLimits
  ) throws(UVError) -> UnixConnection {
    let connection = try UnixConnection(
      peer: PeerCredentials(of: descriptor), on: loop, limits: limits)
    let status = unsafe uv_pipe_open(cuv_pipe(connection.raw), descriptor)
    guard status == 0 else {
      connection.discard()
      throw UVError(status, .open)
    }
    return connection
  }

  /// A hang-up after the peer's end, before this side has shut down, means that the peer has
  /// closed.
  override var isGoneWhenHungUp: Bool {
    progress.contains(.endReceived) && !progress.contains(.shutdownBegun)
  }

  override var debugName: String {
    "\(super.debugName) \(peerCredentials.map(\.description) ?? "")"
  }
}
