internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension UDPSocket {
  /// What became of a datagram that was to be sent.
  public struct SendResult: Hashable, Sendable {
    private let code: UInt8
    /// The kernel has taken it.
    public static let sent = Self(code: 0)
    /// It waits in the socket's queue for the kernel.
    public static let queued = Self(code: 1)
    /// The queue was full: it is lost, and counted in ``UDPSocket/datagramsDropped``.
    public static let dropped = Self(code: 2)
  }

  /// The longest payload that is sent: 65 507 bytes over IPv4, 65 527 over IPv6 without jumbograms.
  ///
  /// A payload longer than the path's packets is sent in fragments.
  public var maximumPayloadBytes: Int { isIPv6 ? 65527 : 65507 }

  /// Sends a datagram: now, or when the kernel takes it.
  ///
  /// Nothing is ever called back by this call itself. A datagram may be lost on its way, and no
  /// error reports it.
  ///
  /// - Parameters:
  ///   - bytes: The payload, of 0 to ``maximumPayloadBytes`` bytes; copied where it has to wait.
  ///   - address: The receiver's address; `nil` on a connected socket, and only there.
  /// - Returns: What became of it.
  /// - Throws: ``UVError/Code/messageTooLong``; ``UVError/Code/destinationRequired`` without an address
  ///   and a peer; ``UVError/Code/isConnected`` with both; ``UVError/Code/badDescriptor`` after a
  ///   close; the system's error, such as ``UVError/Code/networkUnreachable`` or
  ///   ``UVError/Code/accessDenied`` for a broadcast that was not allowed.
  @discardableResult
  public func send(
    _ bytes: RawSpan, to address: SocketAddress? = nil
  ) throws(UVError) -> SendResult {
    try checkSending(bytes.byteCount, to: address)
    if collected != nil { sendCollected() }
    // The bytes outlive this call, in which they are sent or copied.
    let buffer = unsafe bytes.withUnsafeBytes { unsafe $0 }
    return try unsafe sendNow(buffer, to: address.map(destination))
  }

  /// Throws where a datagram cannot be sent for what it is, or for what the socket is.
  func checkSending(_ byteCount: Int, to address: SocketAddress?) throws(UVError) {
    try checkOpen(.send)
    guard byteCount <= maximumPayloadBytes else {
      throw UVError(
        .messageTooLong, during: .send,
        detail: "\(byteCount) of at most \(maximumPayloadBytes) bytes")
    }
    guard (address == nil) != (remoteAddress == nil) else {
      throw UVError(address == nil ? .destinationRequired : .isConnected, during: .send)
    }
  }

  /// Sends a datagram unless others wait before it, or the kernel does not take it now.
  func sendNow(
    _ bytes: UnsafeRawBufferPointer, to address: SocketAddress?
  ) throws(UVError) -> SendResult {
    if queue.isEmpty {
      let status = unsafe transmit(bytes, to: address)
      if status == 0 {
        counters.sent &+= 1
        return .sent
      }
      guard Self.isTemporary(status) else { throw UVError(status, .send) }
    }
    return unsafe wait(with: bytes, to: address)
  }

  /// Queues a datagram until the kernel takes it, if the queue has room.
  func wait(with bytes: UnsafeRawBufferPointer, to address: SocketAddress?) -> SendResult {
    guard unsafe queue.append(bytes, address) else { return .dropped }
    if queue.count == 1 { watch() }
    return .queued
  }

  /// Sends a datagram; see ``send(_:to:)-(RawSpan,_)``.
  ///
  /// - Parameters:
  ///   - bytes: The payload.
  ///   - address: Where to; `nil` on a connected socket.
  /// - Returns: What became of it.
  /// - Throws: As ``send(_:to:)-(RawSpan,_)`` does.
  @discardableResult
  public func send(
    _ bytes: [UInt8], to address: SocketAddress? = nil
  ) throws(UVError) -> SendResult {
    try unsafe send(bytes.span.bytes, to: address)
  }

  /// Tries to send; an error that belongs to an earlier datagram is reported later, and does not
  /// keep this one from being sent.
  private func transmit(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress?) -> Int32 {
    var status = unsafe systemSend(bytes, to: address)
    if status == UV_ECONNREFUSED.rawValue {
      tellLater(UVError(status, .send))
      unsafe status = systemSend(bytes, to: address)
    }
    return status
  }

  private func systemSend(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress?) -> Int32 {
    guard let address else {
      return unsafe cuv_send_datagram(socket, bytes.baseAddress, bytes.count, nil, 0)
    }
    return unsafe address.withSockaddr { pointer, size in
      unsafe cuv_send_datagram(socket, bytes.baseAddress, bytes.count, pointer, size)
    }
  }

  /// Whether the kernel has no room now, but will have later.
  static func isTemporary(_ status: Int32) -> Bool {
    status == UV_EAGAIN.rawValue || status == UV_ENOBUFS.rawValue
  }

  func tellLater(_ error: UVError) {
    pendingErrors.append(error)
    guard pendingErrors.count == 1 else { return }
    loop.nextTick { [self] in
      let errors = pendingErrors
      pendingErrors = []
      for error in errors where !isClosing { tell(error) }
    }
  }

  /// Sends queued datagrams while the kernel takes them, at most 16 a turn.
  func sendQueued() {
    for _ in 0..<DatagramBatch.capacity {
      guard !isClosing, let next = queue.first else { break }
      let status = unsafe next.bytes.withUnsafeBytes { bytes in
        unsafe transmit(bytes, to: next.address)
      }
      if Self.isTemporary(status) { break }
      queue.removeFirst()
      if status == 0 {
        counters.sent &+= 1
      } else {
        tell(UVError(status, .send))
      }
    }
    tasks?.didSend()
    guard !isClosing, queue.isEmpty else { return }
    watch()
    loop.dispatch { handlers?.onDrain?(self) }
  }
}
