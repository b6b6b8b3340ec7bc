internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A listening TCP socket.
public final class TCPListener: Handle {
  /// How to listen.
  public struct Options: Hashable, Sendable {
    /// Connections that the system holds until they are accepted; it may allow fewer.
    public var backlog: Int
    /// Whether accepted connections send small segments at once (TCP_NODELAY).
    public var noDelay: Bool
    /// Whether several sockets may listen at the address and share its connections
    /// (SO_REUSEPORT).
    public var reusePort: Bool
    /// Whether a listener at `::` leaves IPv4 alone; otherwise it takes both.
    public var ipv6Only: Bool
    /// How silent peers of accepted connections are probed; `nil` for not at all.
    public var keepAlive: KeepAlive?
    /// Milliseconds that bytes sent on accepted connections may stay unacknowledged
    /// (TCP_USER_TIMEOUT, Linux only); `nil` leaves it to the system.
    public var userTimeout: Int?
    /// How much may be on its way out on each accepted connection.
    public var limits: StreamConnection.WriteLimits

    /// Makes a set of options.
    public init(
      backlog: Int = 511, noDelay: Bool = true, reusePort: Bool = false, ipv6Only: Bool = false,
      keepAlive: KeepAlive? = nil, userTimeout: Int? = nil,
      limits: StreamConnection.WriteLimits = StreamConnection.WriteLimits()
    ) {
      self.backlog = backlog
      self.noDelay = noDelay
      self.reusePort = reusePort
      self.ipv6Only = ipv6Only
      self.keepAlive = keepAlive
      self.userTimeout = userTimeout
      self.limits = limits
    }
  }

  /// The address in use; its port is the one that the system chose, where 0 was asked for.
  public private(set) var localAddress: SocketAddress

  /// How it listens.
  public let options: Options

  private let limits: SharedLimits
  private var onConnection: ((TCPListener, TCPConnection) -> Void)?
  private var onError: ((TCPListener, UVError) -> Void)?
  private var isPaused = false
  private var hasWaiting = false
  /// A second descriptor of the socket, which keeps it while accepting rests.
  private var spare: Int32 = -1
  private var rest: LoopTimer?
  private static let restDuration = Duration.milliseconds(100)

  private init(
    at address: SocketAddress?, on loop: EventLoop, options: Options,
    onError: ((TCPListener, UVError) -> Void)?,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) {
    self.localAddress = address ?? SocketAddress(.any, port: 0)
    self.options = options
    self.limits = SharedLimits(options.limits)
    self.onError = onError
    self.onConnection = onConnection
    // With the family named, libuv makes the socket now, so that options can be set before bind.
    let family = address.map { $0.isIPv6 ? AF_INET6 : AF_INET } ?? AF_UNSPEC
    try unsafe super.init(UV_TCP, on: loop) { loop, raw in
      unsafe uv_tcp_init_ex(loop, cuv_tcp(raw), UInt32(family))
    }
  }

  /// Binds and listens, in one call: libuv reports an address in use only when it listens.
  ///
  /// - Parameters:
  ///   - address: Where to listen; port 0 asks for any free one.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen.
  ///   - onError: Called when accepting a connection fails; the listener goes on.
  ///   - onConnection: Called with each connection, which must be started or closed.
  /// - Returns: The listener, accepting as soon as the loop runs.
  /// - Throws: ``UVError/Code/addressInUse``, ``UVError/Code/accessDenied``,
  ///   ``UVError/Code/addressNotAvailable`` and the like.
  public static func listen(
    at address: SocketAddress, on loop: EventLoop, options: Options = Options(),
    onError: ((TCPListener, UVError) -> Void)? = nil,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) -> TCPListener {
    let listener = try TCPListener(
      at: address, on: loop, options: options, onError: onError, onConnection: onConnection)
    do throws(UVError) {
      try listener.bind(to: address, options)
      return listener
    } catch {
      listener.discard()
      throw error
    }
  }

  /// Listens on a bound socket that something else has opened, such as a service manager.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the listener from now on, and is set not to block;
  ///     when the call throws it may have been closed.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen; what concerns binding is ignored.
  ///   - onError: Called when accepting a connection fails; the listener goes on.
  ///   - onConnection: Called with each connection, which must be started or closed.
  /// - Returns: The listener, accepting as soon as the loop runs.
  /// - Throws: The system's error.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop, options: Options = Options(),
    onError: ((TCPListener, UVError) -> Void)? = nil,
    onConnection: @escaping (TCPListener, TCPConnection) -> Void
  ) throws(UVError) -> TCPListener {
    let listener = try TCPListener(
      at: nil, on: loop, options: options, onError: onError, onConnection: onConnection)
    do throws(UVError) {
      try listener.check(unsafe uv_tcp_open(cuv_tcp(listener.raw), descriptor))
      try listener.beginListening(options)
      return listener
    } catch {
      listener.discard()
      throw error
    }
  }

  private func bind(to address: SocketAddress, _ options: Options) throws(UVError) {
    if options.reusePort { try SocketOption.reusePort.set(1, on: descriptor()) }
    let flags = options.ipv6Only && address.isIPv6 ? UV_TCP_IPV6ONLY.rawValue : 0
    try check(
      unsafe address.withSockaddr { unsafe uv_tcp_bind(cuv_tcp(raw), $0, flags) })
    try beginListening(options)
  }

  private func beginListening(_ options: Options) throws(UVError) {
    // Accepted sockets inherit these, which spares system calls for each.
    if options.noDelay { try check(unsafe uv_tcp_nodelay(cuv_tcp(raw), 1)) }
    if let keepAlive = options.keepAlive { try keepAlive.apply(to: descriptor()) }
    if let milliseconds = options.userTimeout {
      try SocketOption.userTimeout.set(milliseconds, on: descriptor())
    }
    try startAccepting()
    var status: Int32 = 0
    let bound = unsafe SocketAddress.read { storage, length in
      unsafe status = uv_tcp_getsockname(cuv_tcp(raw), storage, length)
      return status
    }
    try check(status)
    if let bound { localAddress = bound }
    spare = try fcntl(descriptor(), F_DUPFD_CLOEXEC, 0)
    // Without it the first failure to accept could not be survived.
    guard spare >= 0 else { throw UVError(-errno, .listen) }
  }

  private func startAccepting() throws(UVError) {
    try check(
      unsafe uv_listen(cuv_stream(raw), Int32(clamping: options.backlog)) { stream, status in
        guard let stream = unsafe stream else { return }
        unsafe Handle.of(
          UnsafeMutableRawPointer(stream).assumingMemoryBound(to: uv_handle_t.self),
          as: TCPListener.self
        ).didReceiveConnection(status)
      })
  }

  private func check(_ status: Int32) throws(UVError) {
    guard status == 0 else { throw UVError(status, .listen) }
  }

  /// Leaves new connections with the system, which holds as many as the backlog says.
  public func pauseAccepting() {
    loop.checkThread()
    isPaused = true
  }

  /// Accepts again, those that have waited first, on a later turn of the loop.
  public func resumeAccepting() {
    loop.checkThread()
    guard isPaused else { return }
    isPaused = false
    guard hasWaiting else { return }
    loop.nextTick { [weak self] in self?.acceptWaiting() }
  }

  private func didReceiveConnection(_ status: Int32) {
    guard status == 0 else {
      let error = UVError(status, .accept)
      beginRest()
      return loop.dispatch { onError?(self, error) }
    }
    // libuv waits for uv_accept before it looks at the socket again.
    hasWaiting = true
    acceptWaiting()
  }

  private func acceptWaiting() {
    guard hasWaiting, !isPaused, !isClosing else { return }
    hasWaiting = false
    do throws(UVError) {
      let connection = try TCPConnection(on: loop, limits: limits)
      let status = unsafe uv_accept(cuv_stream(raw), cuv_stream(connection.raw))
      guard status == 0 else {
        connection.discard()
        throw UVError(status, .accept)
      }
      loop.dispatch { onConnection?(self, connection) }
      connection.watchWhileQuiet()
    } catch {
      loop.dispatch { onError?(self, error) }
    }
  }

  /// Leaves the socket alone for a moment after accepting has failed.
  ///
  /// libuv 1.44 tries again at once, in the very call that tells us, until accepting works or its
  /// handle is closed: a machine that is out of descriptors or memory would hear nothing else from
  /// this loop. So its handle is closed; the socket, and whoever waits in its backlog, live on.
  private func beginRest() {
    guard spare >= 0, rest == nil,
      unsafe renew(UV_TCP, initialize: { unsafe uv_tcp_init($0, cuv_tcp($1)) })
    else { return }
    scheduleEndOfRest()
  }

  private func scheduleEndOfRest() {
    let timer = LoopTimer.after(Self.restDuration, on: loop) { [weak self] _ in self?.endRest() }
    timer.keepsLoopAlive = keepsLoopAlive
    rest = timer
  }

  private func endRest() {
    rest = nil
    guard !isClosing else { return }
    // Without a spare one the next failure could not be survived: rather rest on.
    let descriptor = fcntl(spare, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { return scheduleEndOfRest() }
    do throws(UVError) {
      let status = unsafe uv_tcp_open(cuv_tcp(raw), descriptor)
      if status != 0 { closeDescriptor(descriptor) }
      try check(status)
      try startAccepting()
    } catch {
      beginRest()
      loop.dispatch { onError?(self, error) }
    }
  }

  override func willClose() {
    rest?.cancel()
    rest = nil
    if spare >= 0 { closeDescriptor(spare) }
    spare = -1
  }

  override func didClose() {
    onConnection = nil
    onError = nil
  }

  override var debugName: String { "\(super.debugName) \(localAddress)" }
}
