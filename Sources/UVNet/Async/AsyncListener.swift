/// A listening TCP socket whose connections a task accepts.
///
/// ``serve(onFailure:_:)`` is what a server wants: a child task a connection, each ended and closed
/// by itself. As a sequence it gives the connections to a single task, which closes them.
///
/// Connections that no task accepts wait in the system's backlog, except for up to 16.
public final class AsyncListener: AsyncSequence {
  /// A connection; the task that takes it closes it.
  public typealias Element = TCPConnection
  /// What ends the sequence early; see ``accept()``.
  public typealias Failure = UVError

  private let tasks: LoopTasks
  private let wait = LoopWait()
  private var listener: TCPListener?
  private var waiting: [TCPConnection] = []

  /// Connections that are accepted before a task asks for them.
  private static let mostWaiting = 16

  private init(_ tasks: LoopTasks) { self.tasks = tasks }

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
    accepting.listener = try TCPListener.listen(
      at: address, on: loop, options: options, onError: onError.map { body in { body($1) } },
      onConnection: { accepting.didAccept($1, from: $0) })
    return accepting
  }

  /// Listens on a bound socket that something else has opened, such as a service manager.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the listener from now on; when the call throws it may
  ///     have been closed.
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
    accepting.listener = try TCPListener.adopt(
      descriptor: descriptor, on: loop, options: options,
      onError: onError.map { body in { body($1) } },
      onConnection: { accepting.didAccept($1, from: $0) })
    return accepting
  }

  /// The address in use; its port is the one that the system chose, where 0 was asked for.
  public var localAddress: SocketAddress {
    listener?.localAddress ?? SocketAddress(.any, port: 0)
  }

  /// Whether ``close()`` has been called, or everything on the loop is being closed.
  public var isClosing: Bool { listener?.isClosing ?? true }

  private func didAccept(_ connection: TCPConnection, from listener: TCPListener) {
    waiting.append(connection)
    if waiting.count >= Self.mostWaiting { listener.pauseAccepting() }
    wait.wake()
  }

  /// Stops listening, and closes the connections that no task has taken.
  ///
  /// A task that waits for a connection gets `nil`. Connections that were taken are not touched.
  /// Calling it again does nothing.
  public func close() {
    listener?.close()
    for connection in waiting { connection.close() }
    waiting = []
    wait.wake()
  }

  /// Waits for a connection.
  ///
  /// One task at a time may wait: a second is a mistake in the program, and stops it.
  ///
  /// - Returns: The connection; `nil` once the listener is closed.
  /// - Throws: ``UVError/Code/canceled`` when the task is cancelled or the loop ends. The listener
  ///   stays open.
  public nonisolated(nonsending) func accept() async throws(UVError) -> TCPConnection? {
    try await accept(isolation: #isolation)
  }

  private func accept(
    isolation: isolated (any Actor)?
  ) async throws(UVError) -> TCPConnection? {
    guard !wait.isBusy else {
      stopProgram("two tasks accept connections of a listener at the same time", #fileID, #line)
    }
    while true {
      if let connection = takeWaiting() { return connection }
      if isClosing { return nil }
      if await tasks.suspend(wait, isolation: isolation) == .canceled {
        throw UVError(.canceled, during: .accept)
      }
    }
  }

  private func takeWaiting() -> TCPConnection? {
    guard !waiting.isEmpty else { return nil }
    let connection = waiting.removeFirst()
    if waiting.isEmpty { listener?.resumeAccepting() }
    return connection
  }

  /// An iterator, which accepts connections.
  public func makeAsyncIterator() -> Iterator { Iterator(listener: self) }

  /// Accepts one connection after another.
  public struct Iterator: AsyncIteratorProtocol {
    let listener: AsyncListener

    /// Waits for a connection, as ``AsyncListener/accept()`` does.
    ///
    /// - Returns: The connection; `nil` once the listener is closed.
    /// - Throws: As ``AsyncListener/accept()`` does.
    public nonisolated(nonsending) mutating func next() async throws(UVError) -> TCPConnection? {
      try await listener.accept(isolation: #isolation)
    }

    /// Waits for a connection, as ``AsyncListener/accept()`` does.
    ///
    /// - Parameter actor: The caller's isolation.
    /// - Returns: The connection; `nil` once the listener is closed.
    /// - Throws: As ``AsyncListener/accept()`` does.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(UVError) -> TCPConnection? {
      try await listener.accept(isolation: actor)
    }
  }
}
