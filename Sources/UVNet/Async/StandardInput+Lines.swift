extension StandardInput {
  /// Opens standard input for a task that reads its lines.
  ///
  /// ```swift
  /// for try await line in try StandardInput.lines(on: loop) {
  ///   print(line.uppercased())
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - loop: The loop to read on.
  ///   - maximumLength: The most bytes of a line, its end included; at least 1. That many bytes may
  ///     be held in memory.
  /// - Returns: The lines. Dropping them does not close standard input.
  /// - Throws: As ``open(on:_:)`` does.
  public static func lines(
    on loop: EventLoop, maximumLength: Int = 65536
  ) throws(UVError) -> Lines {
    let tasks = InputTasks(on: try loop.startTasks())
    try tasks.open(on: loop)
    return Lines(tasks, maximumLength: maximumLength)
  }

  /// The lines of standard input, as text; see ``StandardInput/lines(on:maximumLength:)``.
  ///
  /// Bytes that are not UTF-8 become U+FFFD. A line ends with a line feed, alone or after a
  /// carriage return; the last one may have no end. One task at a time may read: a second is a
  /// mistake in the program, and stops it.
  public final class Lines: AsyncSequence {
    /// A line without its end.
    public typealias Element = String
    /// What ends the sequence early: a line that is too long, or what ``FrameError/read(_:)`` says.
    public typealias Failure = FrameError<Never>

    private typealias Decoder = LineDecoder<String, Never>

    private let tasks: InputTasks
    private var reader: FrameReader<Decoder>

    fileprivate init(_ tasks: InputTasks, maximumLength: Int) {
      self.tasks = tasks
      let decoder = Decoder(acceptsUnterminatedLine: true) { String(decoding: $0) }
      reader = FrameReader(decoder, maximumLength: maximumLength)
    }

    /// Stops reading for good, and discards unread lines.
    ///
    /// A task that waits for a line gets `nil`. Calling it again does nothing.
    public func close() { tasks.close() }

    /// Waits for a line.
    ///
    /// Cancelling the task loses none.
    ///
    /// - Returns: The line; `nil` at the end of the input, after ``close()``, and after an error that
    ///   was no cancellation.
    /// - Throws: ``FrameError/tooLong(maximumLength:)``, or ``FrameError/read(_:)`` with the system's
    ///   error, or with ``UVError/Code/canceled`` when the task is cancelled or the loop ends.
    public nonisolated(nonsending) func next() async throws(FrameError<Never>) -> String? {
      try await next(isolation: #isolation)
    }

    private func next(
      isolation: isolated (any Actor)?
    ) async throws(FrameError<Never>) -> String? {
      var reader = reader
      do throws(FrameError<Never>) {
        let line = try await reader.next(from: tasks, isolation: isolation)
        self.reader = reader
        return line
      } catch {
        self.reader = reader
        throw error
      }
    }

    /// An iterator, which continues where the last read ended.
    public func makeAsyncIterator() -> Iterator { Iterator(lines: self) }

    /// Reads one line after another.
    public struct Iterator: AsyncIteratorProtocol {
      let lines: Lines

      /// Waits for a line, as ``StandardInput/Lines/next()`` does.
      ///
      /// - Returns: The line; `nil` when there are no more.
      /// - Throws: As ``StandardInput/Lines/next()`` does.
      public nonisolated(nonsending) mutating func next()
        async throws(FrameError<Never>) -> String?
      {
        try await lines.next(isolation: #isolation)
      }

      /// Waits for a line, as ``StandardInput/Lines/next()`` does.
      ///
      /// - Parameter actor: The caller's isolation.
      /// - Returns: The line; `nil` when there are no more.
      /// - Throws: As ``StandardInput/Lines/next()`` does.
      public mutating func next(
        isolation actor: isolated (any Actor)?
      ) async throws(FrameError<Never>) -> String? {
        try await lines.next(isolation: actor)
      }
    }
  }
}
