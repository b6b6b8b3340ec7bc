internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A listening TCP socket.
public final class TCPListener: StreamListener {
  /// How to listen.
  public struct Options: Hashable, Sendable {
    /// Connections that the system holds until they are accepted; it may allow fewer.
    public var backlog: Int
    /// Whether several sockets may listen at the address and share its connections
    /// (SO_REUSEPORT).
    public var reusePort: Bool
    /// Whether a listener at `::` accepts IPv6 only; otherwise it accepts IPv4 too.
    public var ipv6Only: Bool
    /// What accepted connections inherit.
    public var connections: TCPOptions
    /// How many bytes may wait to be sent on each accepted connection.
    public var writeLimits: StreamConnection.WriteLimits

    /// Makes a set of options.
    public init(
      backlog: Int = 511, reusePort: Bool = false, ipv6Only: Bool = false,
      connections: TCPOptions = TCPOptions(),
      writeLimits: StreamConnection.WriteLimits = StreamConnection.WriteLimits()
    ) {
      self.backlog = backlog
      self.reusePort = reusePort
      self.ipv6Only = ipv6Only
      self.connections = connections
      self.writeLimits = writeLimits
    }
  }

  /// The address in use; its port is the one that the system chose, where 0 was asked for.
  public let localAddress: SocketAddress

  /// How it listens.
  public let options: Options

  /// The options of connections that this system does not have, each with the reason; the listener
  /// works without them.
  public let refusedOptions: [UVError]

  private let limits: SharedLimits
  private var onConnection: ((TCPListener, TCPConnection) -> Void)?
  private var onError: ((TCPListener, UVError) -> Void)?

  private init(
    socket: Int32, on loop: EventLoop, options: Options,
    onError: ((TCPListener, UVError) -> Void)?,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) {
    var error: Int32 = 0
    let address = unsafe SocketAddress.read { address, length in
      var size = unsafe socklen_t(length.pointee)
      guard unsafe getsockname(socket, address, &size) != 0 else { return 0 }
      error = -errno
      return error
    }
    guard error == 0 else { throw UVError(error, .listen) }
    guard let address else {
      throw UVError(.invalidArgument, during: .listen, detail: "not an IP socket")
    }
    localAddress = address
    self.options = options
    limits = SharedLimits(options.writeLimits)
    self.onError = onError
    self.onConnection = onConnection
    // Accepted sockets inherit these, which spares system calls for each.
    refusedOptions = try options.connections.apply(to: socket)
    guard systemListen(socket, Int32(clamping: options.backlog)) == 0 else {
      throw UVError(-errno, .listen)
    }
    try super.init(socket: socket, on: loop)
  }

  /// Binds and listens, in one call: libuv reports an address in use only when it listens.
  ///
  /// - Parameters:
  ///   - address: Where to listen; port 0 asks for any free one.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  ///   - onConnection: Called with each connection, which must be started or closed.
  /// - Returns: The listener, accepting as soon as the loop runs.
  /// - Throws: ``UVError/Code/addressInUse``, ``UVError/Code/accessDenied``,
  ///   ``UVError/Code/addressNotAvailable`` and the like.
  public static func listen(
    at address: SocketAddress, on loop: EventLoop, options: Options = Options(),
    onError: ((TCPListener, UVError) -> Void)? = nil,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) -> TCPListener {
    let socket = try Self.bind(to: address, options)
    do throws(UVError) {
      return try TCPListener(
        socket: socket, on: loop, options: options, onError: onError, onConnection: onConnection)
    } catch {
      closeDescriptor(socket)
      throw error
    }
  }

  /// Listens on a bound socket that something else has opened, such as a service manager.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the listener from now on, and is set not to block;
  ///     when the call throws it still belongs to the caller.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen; what concerns binding is ignored.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  ///   - onConnection: Called with each connection, which must be started or closed.
  /// - Returns: The listener, accepting as soon as the loop runs.
  /// - Throws: The system's error.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop, options: Options = Options(),
    onError: ((TCPListener, UVError) -> Void)? = nil,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) -> TCPListener {
    try TCPListener(
      socket: descriptor, on: loop, options: options, onError: onError, onConnection: onConnection)
  }

  /// Takes no new connections, for other listeners with ``Options/reusePort`` to take them, and goes on with
  /// those that it has been given already.
  ///
  /// To be called some time before ``Handle/close()``, which resets what waits in the listener's own queue:
  /// then none is lost. From now on a request for a connection that the system gives to this listener is
  /// dropped, as if the network had lost it. The peer repeats it after a second (RFC 6298), and by
  /// then the listener should be closed, so that another one gets it. Handshakes that have begun are
  /// finished and accepted.
  ///
  /// Where Linux moves the queue of a listener that is closed to another one at its port by itself (the
  /// sysctl `net.ipv4.tcp_migrate_req`, from Linux 5.14 on), closing is enough and nobody waits a second.
  ///
  /// - Throws: The system's error; ``UVError/Code/notPermitted`` on kernels that allow only processes with
  ///   `CAP_NET_ADMIN` to filter a socket's packets; ``UVError/Code/notSupported`` where it is not Linux.
  public func leaveNewConnectionsToOthers() throws(UVError) {
    loop.checkThread()
    guard !isClosing else { throw UVError(.badDescriptor, during: .setOption) }
    let status = cuv_drop_connection_requests(socket)
    guard status == 0 else { throw UVError(status, .setOption) }
  }

  /// A socket bound to `address`.
  private static func bind(to address: SocketAddress, _ options: Options) throws(UVError) -> Int32 {
    let socket = cuv_stream_socket(address.isIPv6 ? AF_INET6 : AF_INET)
    guard socket >= 0 else { throw UVError(-errno, .listen) }
    do throws(UVError) {
      // A port that was in use a moment ago can be had again.
      try SocketOption.reuseAddress.set(1, on: socket)
      if options.reusePort { try SocketOption.reusePort.set(1, on: socket) }
      if address.isIPv6 { try SocketOption.ipv6Only.set(options.ipv6Only ? 1 : 0, on: socket) }
      let status = unsafe address.withSockaddr { pointer, length in
        unsafe systemBind(socket, pointer, length)
      }
      guard status == 0 else { throw UVError(-errno, .listen) }
      return socket
    } catch {
      closeDescriptor(socket)
      throw error
    }
  }

  /// The peer of the connection that was accepted last.
  ///
  /// Given by accept(2), which knows it even if the connection was reset meanwhile.
  private var acceptedFrom: SocketAddress?

  override func accept() -> Int32 {
    var descriptor: Int32 = -1
    acceptedFrom = unsafe SocketAddress.read { address, length in
      var size = unsafe socklen_t(length.pointee)
      descriptor = unsafe cuv_accept(socket, address, &size)
      return descriptor < 0 ? -1 : 0
    }
    return descriptor
  }

  override func didAccept(_ descriptor: Int32) {
    do throws(UVError) {
      let connection = try TCPConnection.connected(descriptor, on: loop, limits: limits)
      connection.peer = PeerAddress(acceptedFrom)
      onConnection?(self, connection)
      connection.watchWhileQuiet()
    } catch {
      closeDescriptor(descriptor)
      onError?(self, UVError(error.code, during: .accept))
    }
  }

  override func didFail(_ error: UVError) { onError?(self, error) }

  override func didClose() {
    onConnection = nil
    onError = nil
  }

  override var debugName: String { "\(super.debugName) \(localAddress)" }
}

// The C functions, where the class's own methods would hide them.
private func systemListen(_ socket: Int32, _ backlog: Int32) -> Int32 { listen(socket, backlog) }
private func systemBind(_ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t)
  -> Int32
{
  unsafe bind(socket, address, size)
}
