internal import CLibUV

extension UDPSocket {
  /// Sends a datagram together with others, in one system call for up to 32 of them where the system
  /// has one (`sendmmsg` of Linux).
  ///
  /// Datagrams are collected until the callback ends, which may receive a whole batch, and the tasks
  /// that it has woken have run; 32 datagrams or 64 KiB leave before that. They leave in the order in
  /// which they were given to this method and to ``send(_:to:)-(RawSpan,_)``, which sends what was
  /// collected first. So do ``Handle/close()``, ``connect(to:)`` and the methods that set options.
  ///
  /// An error of the system comes later than with ``send(_:to:)-(RawSpan,_)``, as that of a datagram
  /// which had to wait: a call of `onError` for each datagram that the system refuses, and the others
  /// are sent. What the kernel does not take waits in the queue.
  ///
  /// On a connected socket the datagrams leave together, but with a system call for each, because
  /// `sendmmsg` loses the report of a refusal.
  ///
  /// - Parameters:
  ///   - bytes: The payload, of 0 to ``maximumPayloadBytes`` bytes; copied.
  ///   - address: The receiver's address; `nil` on a connected socket, and only there.
  /// - Returns: ``SendResult/queued``; ``SendResult/sent`` where it was sent at once, because
  ///   ``Options/sendLimits`` let it not wait; ``SendResult/dropped``.
  /// - Throws: ``UVError/Code/messageTooLong``; ``UVError/Code/destinationRequired`` without an address
  ///   and a peer; ``UVError/Code/isConnected`` with both; ``UVError/Code/badDescriptor`` after a
  ///   close; what ``send(_:to:)-(RawSpan,_)`` throws where it is sent at once.
  @discardableResult
  public func enqueue(
    _ bytes: RawSpan, to address: SocketAddress? = nil
  ) throws(UVError) -> SendResult {
    try checkSending(bytes.byteCount, to: address)
    let destination = address.map(destination)
    // The bytes outlive this call, in which they are copied or sent.
    let buffer = unsafe bytes.withUnsafeBytes { unsafe $0 }
    if let collected, !collected.hasRoom(for: buffer.count, queue.limits) { sendCollected() }
    if queue.isEmpty {
      let collected = startCollecting()
      guard collected.hasRoom(for: buffer.count, queue.limits) else {
        return try unsafe sendNow(buffer, to: destination)
      }
      unsafe collected.append(buffer, to: destination)
      return .queued
    }
    return unsafe wait(with: buffer, to: destination)
  }

  /// Sends a datagram together with others; see ``enqueue(_:to:)-(RawSpan,_)``.
  ///
  /// - Parameters:
  ///   - bytes: The payload.
  ///   - address: Where to; `nil` on a connected socket.
  /// - Returns: What became of it.
  /// - Throws: As ``enqueue(_:to:)-(RawSpan,_)`` does.
  @discardableResult
  public func enqueue(
    _ bytes: [UInt8], to address: SocketAddress? = nil
  ) throws(UVError) -> SendResult {
    try unsafe enqueue(bytes.span.bytes, to: address)
  }

  private func startCollecting() -> CollectedDatagrams {
    if let collected { return collected }
    let collected = loop.beginCollecting(for: self)
    self.collected = collected
    return collected
  }

  /// Sends what was collected; nothing of the program's is called.
  func sendCollected() {
    guard let collected, collected.count > 0 else { return }
    sendCollected { index, most in collected.send(from: index, atMost: most, by: socket) }
  }

  /// Sends what was collected by way of `offer`, which is told the first datagram and how many at most;
  /// it returns how many the kernel has taken, or the negative error of the first.
  ///
  /// Nothing waits in the queue while anything is collected, and limits hold for both: what the kernel
  /// does not take always has room there.
  func sendCollected(by offer: (_ index: Int, _ most: Int) -> Int32) {
    guard let collected else { return }
    // An error that ends sendmmsg early is lost, unless it comes again with the next call. That of an
    // ICMP message does not, and only a connected socket gets those.
    let most = remoteAddress == nil ? CollectedDatagrams.capacity : 1
    var index = 0
    while index < collected.count {
      var status = offer(index, most)
      if status == UV_ECONNREFUSED.rawValue {
        tellLater(UVError(status, .send))
        status = offer(index, 1)
      }
      if status > 0 {
        counters.sent &+= UInt64(status)
        index += Int(status)
      } else if Self.isTemporary(status) {
        for waiting in index..<collected.count {
          _ = unsafe wait(with: collected.payload(at: waiting), to: collected.address(at: waiting))
        }
        break
      } else {
        tellLater(UVError(status, .send))
        index += 1
      }
    }
    collected.removeAll()
  }

  /// Sends what was collected, and gives the memory for it back to the loop.
  fileprivate func endCollecting() -> CollectedDatagrams? {
    sendCollected()
    defer { collected = nil }
    return collected
  }
}

extension EventLoop {
  /// The sockets that have collected datagrams, and memory for the next ones.
  struct Collecting {
    var sockets: [UDPSocket] = []
    var spare: [CollectedDatagrams] = []
    /// What a program's sockets use in one callback, most often; 64 KiB each.
    static let maximumSpare = 4
  }

  /// Whether datagrams are to leave when the callback ends.
  var hasCollectedDatagrams: Bool {
    get { extras.contains(.datagrams) }
    set { extras = extras.with(.datagrams, newValue) }
  }

  fileprivate func beginCollecting(for socket: UDPSocket) -> CollectedDatagrams {
    hasCollectedDatagrams = true
    unsafe collecting.sockets.append(socket)
    return unsafe collecting.spare.popLast() ?? CollectedDatagrams()
  }

  /// Sends what all sockets have collected; nothing of the program's is called.
  func sendCollectedDatagrams() {
    for index in unsafe collecting.sockets.indices {
      guard let memory = unsafe collecting.sockets[index].endCollecting(),
        unsafe collecting.spare.count < Collecting.maximumSpare
      else { continue }
      unsafe collecting.spare.append(memory)
    }
    unsafe collecting.sockets.removeAll(keepingCapacity: collecting.sockets.count <= 64)
    hasCollectedDatagrams = false
  }
}
