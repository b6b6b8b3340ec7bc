/// A listening socket whose connections a task accepts: TCP, at one or several addresses, or Unix.
///
/// The address that is given says which: `AsyncListener.listen(at: address, on: loop)` makes an
/// `AsyncListener<TCPConnection>` of a ``SocketAddress``, and an `AsyncListener<UnixConnection>` of a
/// ``UnixAddress``.
///
/// `serve` is what a server wants: a child task a connection, each ended and closed
/// by itself. As a sequence it gives the connections to a single task, which closes them.
///
/// Connections that no task accepts wait in the system's backlog, except for up to 16.
public final class AsyncListener<Connection: StreamConnection>: AsyncSequence {
  /// A connection; the task that takes it closes it.
  public typealias Element = Connection
  /// What ends the sequence early; see ``accept()``.
  public typealias Failure = UVError

  private let tasks: LoopTasks
  private let wait = LoopWait()
  /// What listens, one for each address; none until they have been made.
  var listeners: [StreamListener] = []
  private var waiting: [Connection] = []

  /// Connections that are accepted before a task asks for them.
  private static var mostWaiting: Int { 16 }

  init(_ tasks: LoopTasks) { self.tasks = tasks }

  /// Whether ``close()`` has been called, or everything on the loop is being closed.
  public var isClosing: Bool { listeners.allSatisfy { $0.isClosing } }

  func didAccept(_ connection: Connection) {
    waiting.append(connection)
    if waiting.count >= Self.mostWaiting {
      for listener in listeners { listener.pauseAccepting() }
    }
    wait.wake()
  }

  /// Stops listening, and closes the connections that no task has taken.
  ///
  /// A task that waits for a connection goes on: there are no more. Connections that were taken are
  /// not touched. Calling it again does nothing.
  public func close() {
    for listener in listeners { listener.close() }
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
  ///   goes on listening.
  public nonisolated(nonsending) func accept() async throws(UVError) -> Connection? {
    try await accept(isolation: #isolation)
  }

  private func accept(
    isolation: isolated (any Actor)?
  ) async throws(UVError) -> Connection? {
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

  private func takeWaiting() -> Connection? {
    guard !waiting.isEmpty else { return nil }
    let connection = waiting.removeFirst()
    if waiting.isEmpty {
      for listener in listeners { listener.resumeAccepting() }
    }
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
    public nonisolated(nonsending) mutating func next() async throws(UVError) -> Connection? {
      try await listener.accept(isolation: #isolation)
    }

    /// Waits for a connection, as ``AsyncListener/accept()`` does.
    ///
    /// - Parameter actor: The caller's isolation.
    /// - Returns: The connection; `nil` once the listener is closed.
    /// - Throws: As ``AsyncListener/accept()`` does.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(UVError) -> Connection? {
      try await listener.accept(isolation: actor)
    }
  }
}
