@available(macOS 26, *)
extension AsyncListener where Connection == TCPConnection {
  /// Serves every connection in a child task of its own, until the listener is closed.
  ///
  /// A connection whose `body` has returned is closed gracefully, one whose `body` has thrown at
  /// once; either ends that connection only. The call returns when the listener is closed and the
  /// last connection has gone. When its task is cancelled, so are the tasks of all connections: that
  /// is the way to give a server that is ending a deadline.
  ///
  /// ```swift
  /// try await listener.serve { connection in
  ///   for try await bytes in connection.chunks { try await connection.write(bytes) }
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - onFailure: Called with an error that ended a connection.
  ///   - body: Serves one connection. It must not keep it.
  /// - Throws: ``UVError/Code/canceled`` when the task is cancelled, or everything on the loop is
  ///   closed. The listener is not closed by that.
  @LoopActor
  public func serve(
    onFailure: (@LoopActor (TCPConnection, any Error) -> Void)? = nil,
    _ body: @escaping @LoopActor (TCPConnection) async throws -> Void
  ) async throws(UVError) {
    try await serveEach(onFailure, body)
  }
}

@available(macOS 26, *)
extension AsyncListener where Connection == UnixConnection {
  /// Serves every connection in a child task of its own, until the listener is closed.
  ///
  /// It does all that `serve` does for TCP connections.
  ///
  /// - Parameters:
  ///   - onFailure: Called with an error that ended a connection.
  ///   - body: Serves one connection. It must not keep it.
  /// - Throws: ``UVError/Code/canceled`` when the task is cancelled, or everything on the loop is
  ///   closed. The listener is not closed by that.
  @LoopActor
  public func serve(
    onFailure: (@LoopActor (UnixConnection, any Error) -> Void)? = nil,
    _ body: @escaping @LoopActor (UnixConnection) async throws -> Void
  ) async throws(UVError) {
    try await serveEach(onFailure, body)
  }
}

@available(macOS 26, *)
extension AsyncListener {
  /// What `serve` does for each kind of connection; each has its own, so that the compiler specializes
  /// this one for it.
  @LoopActor
  @inline(__always)
  fileprivate func serveEach(
    _ onFailure: (@LoopActor (Connection, any Error) -> Void)?,
    _ body: @escaping @LoopActor (Connection) async throws -> Void
  ) async throws(UVError) {
    let failure = await withDiscardingTaskGroup(returning: UVError?.self) { group in
      do throws(UVError) {
        while let connection = try await accept() {
          group.addImmediateTask { await Self.serve(connection, onFailure, body) }
        }
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  @LoopActor
  private static func serve(
    _ connection: Connection, _ onFailure: (@LoopActor (Connection, any Error) -> Void)?,
    _ body: @LoopActor (Connection) async throws -> Void
  ) async {
    do {
      // As `scoped` does, with fewer functions in between for as long as the connection lives.
      let tasks = try connection.startTasks()
      let scope = tasks.openScope()
      defer { tasks.closeScope(scope) }
      nonisolated(unsafe) let (opener, opened) = (tasks, scope)
      let executor = LoopExecutor.main
      try await withTaskCancellationHandler {
        try await body(connection)
      } onCancel: {
        executor.perform { _ in unsafe opener.cancel(opened) }
      }
      connection.closeGracefully()
    } catch {
      onFailure?(connection, error)
      connection.close()
    }
    await connection.finishedUnlessCanceled()
  }
}

extension StreamConnection {
  /// Waits until the connection is closed; when the task is cancelled it is closed at once.
  @LoopActor
  fileprivate final func finishedUnlessCanceled() async {
    guard !isClosed else { return }
    nonisolated(unsafe) let this = self
    let executor = LoopExecutor.main
    await withTaskCancellationHandler {
      await unsafe this.finished()
    } onCancel: {
      executor.perform { _ in unsafe this.close() }
    }
  }
}
