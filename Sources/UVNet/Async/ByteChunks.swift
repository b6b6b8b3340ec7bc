extension StreamConnection {
  /// The bytes that the peer sends, in the pieces in which they come, up to the end of its stream.
  ///
  /// One task at a time may read; see ``read(_:)``. A loop that keeps no piece costs no allocation:
  /// the memory of a piece that was released is used for the next.
  @inlinable
  public final var chunks: Chunks { Chunks(connection: self) }

  /// The bytes that a peer sends, as an asynchronous sequence; see ``StreamConnection/chunks``.
  public struct Chunks: AsyncSequence {
    /// Bytes, at least one.
    public typealias Element = [UInt8]
    /// What ends the sequence early; see ``StreamConnection/read(_:)``.
    public typealias Failure = UVError

    @usableFromInline let connection: StreamConnection

    @usableFromInline
    init(connection: StreamConnection) { self.connection = connection }

    /// An iterator, which reads the connection from where it is.
    @inlinable
    public func makeAsyncIterator() -> Iterator { Iterator(connection: connection) }

    /// Reads one piece after another.
    public struct Iterator: AsyncIteratorProtocol {
      @usableFromInline let connection: StreamConnection
      @usableFromInline var buffer: [UInt8] = []

      @usableFromInline
      init(connection: StreamConnection) { self.connection = connection }

      /// Waits for the next piece.
      ///
      /// - Returns: The bytes; `nil` at the end of the stream.
      /// - Throws: As ``StreamConnection/read(_:)`` does.
      @inlinable
      public nonisolated(nonsending) mutating func next() async throws(UVError) -> [UInt8]? {
        connection.prepareChunk(&buffer)
        var (isReady, hasWaited) = (false, false)
        if let parking = try connection.beginRead(&isReady) {
          await parking.leave()
          (isReady, hasWaited) = (try connection.endRead(), true)
        }
        if !isReady, !(try await connection.waitForInput(hasWaited: hasWaited)) { return nil }
        _ = connection.takeInput(into: &buffer)
        return buffer
      }

      /// Waits for the next piece.
      ///
      /// What a `for` loop calls. The parameter is not `isolated`: a task switches its executor, if
      /// only to the same one, where it enters or leaves a function that is isolated to a parameter.
      ///
      /// - Parameter actor: The caller's isolation, which this function has without it.
      /// - Returns: The bytes; `nil` at the end of the stream.
      /// - Throws: As ``StreamConnection/read(_:)`` does.
      @inlinable
      public nonisolated(nonsending) mutating func next(
        isolation actor: (any Actor)?
      ) async throws(UVError) -> [UInt8]? {
        try await next()
      }
    }
  }
}
