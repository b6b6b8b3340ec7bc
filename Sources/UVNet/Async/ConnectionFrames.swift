extension StreamConnection {
  /// The frames that the peer sends, as `decoder` finds them, up to the end of its stream.
  ///
  /// Frames that came together are given one after another without a wait. Bytes after the last
  /// frame given stay with the connection: when the `for` loop is left, the next read begins with
  /// them. Cancelling the task ends its wait and loses no byte. Another sequence continues where
  /// this one was, and so does the same iterator, if nothing else has read in the middle of the
  /// frame.
  ///
  /// ```swift
  /// for try await point in connection.frames(using: PointDecoder()) {
  ///   try await connection.write("\(point)\n")
  /// }
  /// ```
  ///
  /// One task at a time may read; see ``read(_:)``.
  ///
  /// - Parameters:
  ///   - decoder: Finds the frames.
  ///   - maximumLength: The most bytes of a frame, its length prefix or end mark included; at least
  ///     1. That many bytes may be held in memory.
  /// - Returns: The sequence. It ends with a ``FrameError``: when the connection cannot be read, a
  ///   frame is too long or malformed, or the peer ends its stream inside one.
  @inlinable
  public final func frames<Decoder: Decoding>(
    using decoder: Decoder, maximumLength: Int = 65536
  ) -> Frames<Decoder> {
    Frames(connection: self, reader: FrameReader(decoder, maximumLength: maximumLength))
  }

  /// The frames that a peer sends, as an asynchronous sequence; see
  /// ``StreamConnection/frames(using:maximumLength:)``.
  public struct Frames<Decoder: Decoding>: AsyncSequence {
    /// What the decoder makes of a frame.
    public typealias Element = Decoder.Frame
    /// What ends the sequence early.
    public typealias Failure = FrameError<Decoder.Failure>

    @usableFromInline let connection: StreamConnection
    @usableFromInline let reader: FrameReader<Decoder>

    @inlinable
    init(connection: StreamConnection, reader: FrameReader<Decoder>) {
      self.connection = connection
      self.reader = reader
    }

    /// An iterator, which reads the connection from where it is.
    @inlinable
    public func makeAsyncIterator() -> Iterator {
      Iterator(connection: connection, reader: reader)
    }

    /// Reads one frame after another.
    public struct Iterator: AsyncIteratorProtocol {
      @usableFromInline let connection: StreamConnection
      @usableFromInline var reader: FrameReader<Decoder>

      @inlinable
      init(connection: StreamConnection, reader: FrameReader<Decoder>) {
        self.connection = connection
        self.reader = reader
      }

      /// Waits for the next frame.
      ///
      /// - Returns: The frame; `nil` at the end of the stream, and after an error that was no
      ///   cancellation.
      /// - Throws: ``FrameError``.
      @inlinable
      public nonisolated(nonsending) mutating func next()
        async throws(FrameError<Decoder.Failure>) -> Decoder.Frame?
      {
        try await next(isolation: #isolation)
      }

      /// Waits for the next frame.
      ///
      /// - Parameter actor: The caller's isolation.
      /// - Returns: The frame; `nil` at the end of the stream, and after an error that was no
      ///   cancellation.
      /// - Throws: ``FrameError``.
      @inlinable
      public mutating func next(
        isolation actor: isolated (any Actor)?
      ) async throws(FrameError<Decoder.Failure>) -> Decoder.Frame? {
        guard !reader.isOver else { return nil }
        let input: ConnectionInput
        do throws(UVError) { input = try connection.startReadingFrames() } catch {
          throw .read(error)
        }
        return try await reader.next(from: input, isolation: actor)
      }
    }
  }
}

extension StreamConnection {
  @usableFromInline
  final func startReadingFrames() throws(UVError) -> ConnectionInput {
    ConnectionInput(tasks: try startReadingTasks(), connection: self)
  }
}

/// A connection's bytes, for a ``FrameReader``.
@usableFromInline
struct ConnectionInput: FrameSource {
  let tasks: ConnectionTasks
  let connection: StreamConnection

  init(tasks: ConnectionTasks, connection: StreamConnection) {
    self.tasks = tasks
    self.connection = connection
  }

  @usableFromInline
  var availableByteCount: Int { tasks.available }

  @usableFromInline
  func waitForBytes(
    _ byteCount: Int, isolation: isolated (any Actor)?
  ) async throws(UVError) -> Bool {
    try await tasks.waitForInput(byteCount, of: connection, isolation: isolation)
  }

  @usableFromInline
  func consume(_ body: (RawSpan) -> Int) {
    tasks.consume(from: connection) { ((), body($0)) }
  }
}
