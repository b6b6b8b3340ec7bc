extension StreamConnection {
  /// The bytes that the peer sends, in the pieces in which they come, up to the end of its stream.
  ///
  /// One task at a time may read; see ``read(_:)``. A loop that keeps no piece costs no allocation:
  /// the memory of a piece that was released is used for the next.
  public final var chunks: Chunks { Chunks(connection: self) }

  /// The bytes that a peer sends, as an asynchronous sequence; see ``StreamConnection/chunks``.
  public struct Chunks: AsyncSequence {
    /// Bytes, at least one.
    public typealias Element = [UInt8]
    /// What ends the sequence early; see ``StreamConnection/read(_:)``.
    public typealias Failure = UVError

    let connection: StreamConnection

    /// An iterator, which reads the connection from where it is.
    public func makeAsyncIterator() -> Iterator { Iterator(connection: connection) }

    /// Reads one piece after another.
    public struct Iterator: AsyncIteratorProtocol {
      let connection: StreamConnection
      private var buffer: [UInt8] = []

      init(connection: StreamConnection) { self.connection = connection }

      /// Waits for the next piece.
      ///
      /// - Returns: The bytes; `nil` at the end of the stream.
      /// - Throws: As ``StreamConnection/read(_:)`` does.
      public nonisolated(nonsending) mutating func next() async throws(UVError) -> [UInt8]? {
        try await next(isolation: #isolation)
      }

      /// Waits for the next piece.
      ///
      /// - Parameter actor: The caller's isolation.
      /// - Returns: The bytes; `nil` at the end of the stream.
      /// - Throws: As ``StreamConnection/read(_:)`` does.
      public mutating func next(
        isolation actor: isolated (any Actor)?
      ) async throws(UVError) -> [UInt8]? {
        // An idle connection keeps little memory.
        if buffer.capacity > InputBuffer.keptCapacity {
          buffer = []
        } else {
          buffer.removeAll(keepingCapacity: true)
        }
        let tasks = try connection.startReadingTasks()
        if tasks.available == 0 {
          let mayWait = tasks.beginCoveredRead(of: connection)
          if mayWait {
            await unsafe withUnsafeContinuation { unsafe tasks.park($0) }
            try tasks.endCoveredRead()
          }
          if tasks.available == 0 {
            guard
              try await tasks.waitForInput(
                1, of: connection, hasWaited: mayWait, isolation: actor)
            else { return nil }
          }
        }
        tasks.consume(from: connection) { bytes in
          unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
          return ((), bytes.byteCount)
        }
        return buffer
      }
    }
  }
}
