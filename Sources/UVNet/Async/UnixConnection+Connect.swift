extension UnixConnection {
  /// Connects to a server.
  ///
  /// A server whose backlog is full is tried again until the time is over: the system queues nobody.
  ///
  /// - Parameters:
  ///   - address: Where to connect to.
  ///   - loop: The loop to connect on.
  ///   - timeout: How long it may take; `nil` for ever.
  ///   - writeLimits: How much may be on its way out.
  /// - Returns: The connection. Whoever connects closes it.
  /// - Throws: ``UVError/Code/connectionRefused`` where nobody listens at the file,
  ///   ``UVError/Code/noSuchFile``, ``UVError/Code/accessDenied`` without the permission to write to the
  ///   file, ``UVError/Code/timedOut`` when the time is over; ``UVError/Code/canceled`` when the task
  ///   is cancelled, in which case nothing is left open.
  public nonisolated(nonsending) static func connect(
    to address: UnixAddress, on loop: EventLoop, timeout: Duration? = .seconds(10),
    writeLimits: WriteLimits = WriteLimits()
  ) async throws(UVError) -> UnixConnection {
    try await loop.startTasks().answer(during: .connect, discard: { $0.close() }) { give in
      connect(to: address, on: loop, timeout: timeout, writeLimits: writeLimits, completion: give)
        .cancel
    }
  }
}
