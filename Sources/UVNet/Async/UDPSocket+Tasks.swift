extension UDPSocket {
  /// A datagram as tasks receive it.
  public struct Datagram: Hashable, Sendable {
    /// The payload, of 0 bytes or more.
    public let bytes: [UInt8]
    /// Where it came from.
    public let origin: Origin

    init(bytes: [UInt8], origin: Origin) {
      self.bytes = bytes
      self.origin = origin
    }
  }

  /// Datagrams that were dropped because no task had received those before them, and
  /// ``Options/receiveLimits`` had no room for more; see ``receive()``.
  public var datagramsUnreceived: UInt64 { tasks?.received.dropped ?? 0 }

  /// Waits for a datagram.
  ///
  /// The first call starts the socket. Datagrams that come while no task waits are kept up to
  /// ``Options/receiveLimits``; what comes beyond that is dropped, and counted in
  /// ``datagramsUnreceived``. Cancelling the task loses none.
  ///
  /// One task at a time may receive; a second, or one beside callbacks, is a mistake in the program,
  /// and stops it.
  ///
  /// - Returns: The datagram; `nil` once the socket is closed.
  /// - Throws: On a connected socket what the peer's host or the network refused, such as
  ///   ``UVError/Code/connectionRefused``: the socket stays open, and the next call receives. On
  ///   any other socket only what concerns the socket itself. ``UVError/Code/canceled`` when the
  ///   task is cancelled or the loop ends.
  public nonisolated(nonsending) func receive() async throws(UVError) -> Datagram? {
    try await startReceivingTasks().receive(from: self)
  }

  /// The datagrams that come, until the socket is closed; see ``receive()``.
  ///
  /// ```swift
  /// for try await datagram in socket.datagrams {
  ///   try await socket.send(datagram.bytes, to: datagram.origin.sender)
  /// }
  /// ```
  public var datagrams: Datagrams { Datagrams(socket: self) }

  /// Sends a datagram, and waits only while there is no room in the queue.
  ///
  /// - Parameters:
  ///   - bytes: The payload, of 0 to ``maximumPayloadBytes`` bytes.
  ///   - address: The receiver's address; `nil` on a connected socket, and only there.
  /// - Returns: What became of it. It is ``SendResult/dropped`` only where
  ///   ``Options/sendLimits`` are too small for it.
  /// - Throws: As ``send(_:to:)-(RawSpan,_)`` does; ``UVError/Code/canceled`` when the task is
  ///   cancelled while it waits, and then the datagram is not sent.
  @discardableResult
  public nonisolated(nonsending) func send(
    _ bytes: [UInt8], to address: SocketAddress? = nil
  ) async throws(UVError) -> SendResult {
    // What does not leave now waits in the queue, and this one waits for room there.
    if !isClosing { sendCollected() }
    if !queue.isEmpty, !queue.hasRoom(for: bytes.count), bytes.count <= maximumPayloadBytes {
      try await startTasks().waitForRoom(bytes.count, of: self)
    }
    return try unsafe sendNow(bytes.span.bytes, to: address)
  }

  /// Not async, so that `send` is the overload that does not wait.
  private func sendNow(
    _ bytes: RawSpan, to address: SocketAddress?
  ) throws(UVError) -> SendResult { try send(bytes, to: address) }

  private func startTasks() throws(UVError) -> DatagramTasks {
    loop.checkThread()
    if let tasks { return tasks }
    let tasks = DatagramTasks(on: try loop.startTasks(), limits: receiveLimits)
    self.tasks = tasks
    return tasks
  }

  fileprivate func startReceivingTasks() throws(UVError) -> DatagramTasks {
    let tasks = try startTasks()
    if handlers == nil, !isClosing {
      start(tasks.handlers)
      tasks.hasStarted = true
    }
    guard tasks.hasStarted || isClosing else {
      stopProgram("a task receives from a socket that callbacks read", #fileID, #line)
    }
    return tasks
  }

  /// The datagrams of a socket, as an asynchronous sequence; see ``UDPSocket/datagrams``.
  public struct Datagrams: AsyncSequence {
    /// A datagram.
    public typealias Element = Datagram
    /// What ends the sequence early; see ``UDPSocket/receive()``.
    public typealias Failure = UVError

    let socket: UDPSocket

    /// An iterator, which receives from the socket.
    public func makeAsyncIterator() -> Iterator { Iterator(socket: socket) }

    /// Receives one datagram after another.
    public struct Iterator: AsyncIteratorProtocol {
      let socket: UDPSocket

      /// Waits for a datagram, as ``UDPSocket/receive()`` does.
      ///
      /// - Returns: The datagram; `nil` once the socket is closed.
      /// - Throws: As ``UDPSocket/receive()`` does.
      public nonisolated(nonsending) mutating func next() async throws(UVError) -> Datagram? {
        try await next(isolation: #isolation)
      }

      /// Waits for a datagram, as ``UDPSocket/receive()`` does.
      ///
      /// - Parameter actor: The caller's isolation.
      /// - Returns: The datagram; `nil` once the socket is closed.
      /// - Throws: As ``UDPSocket/receive()`` does.
      public mutating func next(
        isolation actor: isolated (any Actor)?
      ) async throws(UVError) -> Datagram? {
        try await socket.startReceivingTasks().receive(from: socket, isolation: actor)
      }
    }
  }
}
