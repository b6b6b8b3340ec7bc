internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A UDP socket: datagrams, each delivered whole, or not at all (RFC 768).
///
/// ```swift
/// let socket = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
/// socket.start(
///   .init(onDatagram: { socket, bytes, origin in
///     _ = try? socket.send(bytes, to: origin.sender)
///   }))
/// ```
///
/// Datagrams are received in batches of at most 16 a turn of the loop, so that a flood does not
/// starve other handles. They are sent at once where the kernel takes them, and otherwise from a
/// bounded queue; what does not fit is dropped and counted. ``enqueue(_:to:)-(RawSpan,_)`` sends those
/// of one callback together, which takes less time.
///
/// libuv only watches the socket: its own UDP handle takes a system call more for each datagram, and
/// fails up to twenty queued ones when the first of them fails.
@safe public final class UDPSocket: Handle {
  /// How a socket is opened.
  public struct Options: Hashable, Sendable {
    /// Whether the address may be bound though another socket has it (SO_REUSEADDR); for multicast.
    ///
    /// On Linux every socket of the address must set it.
    public var reuseAddress: Bool
    /// Whether several sockets share the address, each getting a part of the datagrams
    /// (SO_REUSEPORT).
    public var reusePort: Bool
    /// Whether a socket at `::` uses IPv6 only; otherwise it uses IPv4 too.
    public var ipv6Only: Bool
    /// Whether sending to a broadcast address is allowed (SO_BROADCAST).
    public var broadcast: Bool
    /// Bytes that the system's receive buffer should hold, 0 for its default; Linux doubles the
    /// number and caps it at net.core.rmem_max.
    public var receiveBufferBytes: Int
    /// Bytes that the system's send buffer should hold, 0 for its default.
    public var sendBufferBytes: Int
    /// Bytes of a datagram that are received, 1 … 65536; a longer one is truncated, which
    /// ``Origin/isTruncated`` reports.
    public var maximumDatagramBytes: Int
    /// What may wait to be sent.
    public var sendLimits: QueueLimits
    /// What may wait for a task to receive it; callbacks get each datagram at once.
    public var receiveLimits: QueueLimits

    /// Makes a set of options.
    public init(
      reuseAddress: Bool = false, reusePort: Bool = false, ipv6Only: Bool = false,
      broadcast: Bool = false, receiveBufferBytes: Int = 0, sendBufferBytes: Int = 0,
      maximumDatagramBytes: Int = 65536, sendLimits: QueueLimits = QueueLimits(),
      receiveLimits: QueueLimits = QueueLimits()
    ) {
      self.reuseAddress = reuseAddress
      self.reusePort = reusePort
      self.ipv6Only = ipv6Only
      self.broadcast = broadcast
      self.receiveBufferBytes = receiveBufferBytes
      self.sendBufferBytes = sendBufferBytes
      self.maximumDatagramBytes = min(max(maximumDatagramBytes, 1), DatagramBatch.slotSize)
      self.sendLimits = sendLimits
      self.receiveLimits = receiveLimits
    }
  }

  /// What may wait in one of a socket's queues while the kernel, or a task, takes no more.
  public struct QueueLimits: Hashable, Sendable {
    /// Bytes of payload, at least 0.
    public let maximumBytes: Int
    /// Datagrams, at least 0; with 0 there is no queue, and what is not taken at once is dropped.
    public let maximumDatagrams: Int

    /// Makes limits, by default of 1 MiB and 1024 datagrams; negative numbers count as 0.
    public init(maximumBytes: Int = 1 << 20, maximumDatagrams: Int = 1024) {
      self.maximumBytes = max(maximumBytes, 0)
      self.maximumDatagrams = max(maximumDatagrams, 0)
    }
  }

  /// Where a datagram came from.
  ///
  /// Anybody who can send datagrams can give any address for the sender's.
  public struct Origin: Hashable, Sendable {
    /// The sender's address; an IPv4 sender is an IPv4 address on a socket at `::`, too.
    public let sender: SocketAddress
    /// Whether the datagram was longer than ``Options/maximumDatagramBytes``, and its end is lost.
    public let isTruncated: Bool

    init(sender: SocketAddress, isTruncated: Bool) {
      self.sender = sender
      self.isTruncated = isTruncated
    }
  }

  /// What to call when something happens; each closure gets the socket, to avoid a cycle.
  public struct Handlers {
    let onDatagram: (UDPSocket, RawSpan, Origin) -> Void
    let onError: ((UDPSocket, UVError) -> Void)?
    let onDrain: ((UDPSocket) -> Void)?
    let onClose: ((UDPSocket) -> Void)?

    /// Makes a set of handlers.
    ///
    /// - Parameters:
    ///   - onDatagram: A datagram has come, of 0 bytes or more; the span is valid during the call
    ///     only.
    ///   - onError: Receiving failed, or sending something that had waited; the socket stays open.
    ///     ``UVError/Code/connectionRefused`` on a connected socket means that no socket has the
    ///     peer's port: an ICMP message said so about an earlier datagram.
    ///   - onDrain: The queue is empty again, after datagrams had to wait for the kernel.
    ///   - onClose: The socket is closed: exactly once, and last.
    public init(
      onDatagram: @escaping (UDPSocket, RawSpan, Origin) -> Void,
      onError: ((UDPSocket, UVError) -> Void)? = nil,
      onDrain: ((UDPSocket) -> Void)? = nil,
      onClose: ((UDPSocket) -> Void)? = nil
    ) {
      self.onDatagram = onDatagram
      self.onError = onError
      self.onDrain = onDrain
      self.onClose = onClose
    }
  }

  let socket: Int32
  let isIPv6: Bool
  let maximumDatagramBytes: Int
  var handlers: Handlers?
  var queue: DatagramQueue<SocketAddress?>
  /// What leaves together when the callback ends; see ``enqueue(_:to:)-(RawSpan,_)``.
  var collected: CollectedDatagrams?
  let receiveLimits: QueueLimits
  /// What tasks that use the socket need.
  var tasks: DatagramTasks?
  var isPaused = false
  var rest: LoopTimer?
  /// The remaining datagrams of a batch during which the program paused.
  var withheld: [(bytes: [UInt8], origin: Origin)] = []
  /// Errors about earlier datagrams, to be reported on the next turn.
  var pendingErrors: [UVError] = []
  var counters = Counters()

  struct Counters {
    var received: UInt64 = 0
    var sent: UInt64 = 0
  }

  /// The peer of a connected socket.
  public internal(set) var remoteAddress: SocketAddress?

  /// The address that the socket is bound to; its port is the one that the system chose, where 0 was
  /// asked for.
  public let localAddress: SocketAddress

  private init(
    _ socket: Int32, at address: SocketAddress, on loop: EventLoop, _ options: Options
  ) throws(UVError) {
    self.socket = socket
    isIPv6 = address.isIPv6
    localAddress = address
    maximumDatagramBytes = options.maximumDatagramBytes
    queue = DatagramQueue(limits: options.sendLimits)
    receiveLimits = options.receiveLimits
    try unsafe super.init(UV_POLL, on: loop) { loop, raw in
      unsafe uv_poll_init(loop, cuv_poll(raw), socket)
    }
  }

  /// Opens a socket at an address.
  ///
  /// - Parameters:
  ///   - address: Where to receive; port 0 asks for any free one. For a client, `0.0.0.0:0` or
  ///     `[::]:0`.
  ///   - loop: The loop to use it on.
  ///   - options: How to open it.
  /// - Returns: The socket, to be started; it may send before that.
  /// - Throws: ``UVError/Code/addressInUse``, ``UVError/Code/accessDenied``,
  ///   ``UVError/Code/addressNotAvailable`` and the like.
  public static func bind(
    to address: SocketAddress, on loop: EventLoop, options: Options = Options()
  ) throws(UVError) -> UDPSocket {
    let descriptor = cuv_datagram_socket(address.isIPv6 ? AF_INET6 : AF_INET)
    guard descriptor >= 0 else { throw UVError(-errno, .bind) }
    do throws(UVError) {
      try options.apply(to: descriptor, isIPv6: address.isIPv6)
      let status = unsafe address.withSockaddr { pointer, size in
        unsafe systemBind(descriptor, pointer, size)
      }
      guard status == 0 else { throw UVError(-errno, .bind) }
      guard let bound = Self.name(of: descriptor) else { throw UVError(-errno, .bind) }
      return try UDPSocket(descriptor, at: bound, on: loop, options)
    } catch {
      closeDescriptor(descriptor)
      throw error
    }
  }

  /// Takes over a bound UDP socket that something else has opened, such as a service manager.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the new one from now on; when the call throws it still
  ///     belongs to the caller.
  ///   - loop: The loop to use it on.
  ///   - options: How to use it; what concerns binding is ignored.
  /// - Returns: The socket, to be started.
  /// - Throws: The system's error; ``UVError/Code/invalidArgument`` for what is no UDP socket.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop, options: Options = Options()
  ) throws(UVError) -> UDPSocket {
    guard let type = SocketOption.type.value(on: descriptor) else { throw UVError(-errno, .open) }
    // A socket of another family than IP's has no name that could be read.
    guard type == Int(cuv_datagram_type()), let address = Self.name(of: descriptor) else {
      throw UVError(.invalidArgument, during: .open, detail: "not a UDP socket")
    }
    let socket = try UDPSocket(descriptor, at: address, on: loop, options)
    socket.remoteAddress = unsafe SocketAddress.read { address, length in
      var size = unsafe socklen_t(length.pointee)
      return unsafe getpeername(descriptor, address, &size)
    }
    return socket
  }

  /// Begins to receive; call it once.
  ///
  /// The socket keeps the loop alive from then on, until it is closed or ``pauseReceiving()``.
  public func start(_ handlers: Handlers) {
    loop.checkThread()
    guard self.handlers == nil else { return }
    self.handlers = handlers
    watch()
  }

  /// Exchanges datagrams with one peer only: others' are not received, and its refusals are
  /// reported.
  ///
  /// It may be called again, for another peer.
  ///
  /// - Parameter address: The peer's address.
  /// - Throws: The system's error, such as ``UVError/Code/networkUnreachable``.
  public func connect(to address: SocketAddress) throws(UVError) {
    try checkBeforeChange(.connect)
    let status = unsafe destination(address).withSockaddr { pointer, size in
      unsafe systemConnect(socket, pointer, size)
    }
    guard status == 0 else { throw UVError(-errno, .connect) }
    keepDestinations()
    remoteAddress = address
  }

  /// Exchanges datagrams with everybody again, after ``connect(to:)``, at the same ``localAddress``.
  ///
  /// - Throws: The system's error. It is of the operation ``UVError/Operation/bind`` when another socket
  ///   has taken the port in this moment: this one is disconnected then, and gets another port when it
  ///   sends.
  public func disconnect() throws(UVError) {
    try checkBeforeChange(.connect)
    let status = cuv_disconnect_datagrams(socket)
    guard status == 0 else { throw UVError(status, .connect) }
    keepDestinations()
    remoteAddress = nil
    try takePortBack()
  }

  /// Binds the socket again: Linux ends, together with the association, the binding to a port that it
  /// has chosen itself.
  private func takePortBack() throws(UVError) {
    guard localAddress.port != 0, Self.name(of: socket)?.port != localAddress.port else { return }
    let status = unsafe localAddress.withSockaddr { pointer, size in
      unsafe systemBind(socket, pointer, size)
    }
    guard status == 0 else { throw UVError(-errno, .bind) }
  }

  /// What waits for the connected peer still goes there when the peer is another one, or none.
  private func keepDestinations() {
    guard let peer = remoteAddress.map(destination), !queue.isEmpty else { return }
    queue.changeAddresses { $0 ?? peer }
  }

  /// Datagrams received so far.
  public var datagramsReceived: UInt64 { counters.received }
  /// Datagrams that the kernel has taken so far.
  public var datagramsSent: UInt64 { counters.sent }
  /// Datagrams that were not sent because the queue was full, or the socket was closed before them.
  public var datagramsDropped: UInt64 { queue.dropped }
  /// Datagrams that wait for the kernel, or to leave with others.
  public var pendingDatagrams: Int { queue.count + (collected?.count ?? 0) }
  /// Bytes of payload that wait for the kernel, or to leave with others.
  public var pendingBytes: Int { queue.byteCount + (collected?.byteCount ?? 0) }

  override func willClose() {
    rest?.cancel()
    rest = nil
    withheld = []
    sendCollected()
    queue.removeAll()
    tasks?.didClose()
    unsafe uv_poll_stop(cuv_poll(raw))
    closeDescriptor(socket)
  }

  override func didClose() {
    let handlers = self.handlers
    self.handlers = nil
    handlers?.onClose?(self)
  }

  override func add(to counters: inout EventLoop.Counters) {
    counters.datagramsReceived &+= datagramsReceived
    counters.datagramsSent &+= datagramsSent
  }

  override var debugName: String { "\(super.debugName) \(localAddress)" }

  func checkOpen(_ operation: UVError.Operation) throws(UVError) {
    loop.checkThread()
    guard !isClosing else { throw UVError(.badDescriptor, during: operation) }
  }

  /// Sends what was collected before something changes how it is sent, or where to.
  func checkBeforeChange(_ operation: UVError.Operation) throws(UVError) {
    try checkOpen(operation)
    sendCollected()
  }

  /// An address as the socket's family writes it: an IPv6 socket reaches IPv4 by mapped addresses
  /// (RFC 4291 section 2.5.5.2).
  func destination(_ address: SocketAddress) -> SocketAddress { isIPv6 ? address.mapped : address }

  private static func name(of descriptor: Int32) -> SocketAddress? {
    unsafe SocketAddress.read { address, length in
      var size = unsafe socklen_t(length.pointee)
      return unsafe getsockname(descriptor, address, &size)
    }
  }
}

extension UDPSocket.Options {
  fileprivate func apply(to descriptor: Int32, isIPv6: Bool) throws(UVError) {
    if reuseAddress { try SocketOption.reuseAddress.set(1, on: descriptor) }
    if reusePort { try SocketOption.reusePort.set(1, on: descriptor) }
    if isIPv6 { try SocketOption.ipv6Only.set(ipv6Only ? 1 : 0, on: descriptor) }
    if broadcast { try SocketOption.broadcast.set(1, on: descriptor) }
    if receiveBufferBytes > 0 {
      try SocketOption.receiveBuffer.set(receiveBufferBytes, on: descriptor)
    }
    if sendBufferBytes > 0 { try SocketOption.sendBuffer.set(sendBufferBytes, on: descriptor) }
  }
}

// The C functions, where the class's own methods would hide them.
private func systemBind(
  _ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t
) -> Int32 { unsafe bind(socket, address, size) }
private func systemConnect(
  _ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t
) -> Int32 { unsafe connect(socket, address, size) }
