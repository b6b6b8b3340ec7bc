/// Where a task reads frames from: bytes that have arrived, and a wait for more.
@usableFromInline
protocol FrameSource {
  /// Bytes that can be read without waiting.
  var availableByteCount: Int { get }

  /// Waits until at least `byteCount` bytes can be read.
  ///
  /// - Returns: Whether they can; otherwise nothing more will come.
  func waitForBytes(
    _ byteCount: Int, isolation: isolated (any Actor)?
  ) async throws(UVError) -> Bool

  /// Calls `body` with the bytes that can be read, and forgets as many as it returns.
  func consume(_ body: (RawSpan) -> Int)
}

/// Reads one frame after another from a source.
///
/// All of it can be inlined, so that decoder and loop become one piece of code: generic code that the
/// compiler cannot specialise takes several times as long a frame.
@usableFromInline
struct FrameReader<Decoder: Decoding> {
  @usableFromInline var cutter: FrameCutter<Decoder>
  /// After an error there is nothing to go on with, unless it was a cancellation.
  @usableFromInline var isOver = false

  @inlinable
  init(_ decoder: Decoder, maximumLength: Int) {
    cutter = FrameCutter(decoder, maximumLength: maximumLength)
  }

  /// Waits for the next frame; `nil` at the end.
  @inlinable
  mutating func next(
    from source: some FrameSource, isolation: isolated (any Actor)?
  ) async throws(FrameError<Decoder.Failure>) -> Decoder.Frame? {
    guard !isOver else { return nil }
    do throws(FrameError<Decoder.Failure>) {
      var needed = 1
      while true {
        if source.availableByteCount < needed {
          guard try await Self.wait(for: needed, source, isolation) else {
            if source.availableByteCount == 0 { return nil }
            guard case .frame(let frame, _) = try cut(source, isAtEnd: true) else { return nil }
            return frame
          }
        }
        switch try cut(source, isAtEnd: false) {
        case .frame(let frame, _): return frame
        case .needs(let byteCount): needed = byteCount
        }
      }
    } catch {
      if case .read(let cause) = error, cause.code == .canceled { throw error }
      isOver = true
      throw error
    }
  }

  @inlinable
  static func wait(
    for byteCount: Int, _ source: some FrameSource, _ isolation: isolated (any Actor)?
  ) async throws(FrameError<Decoder.Failure>) -> Bool {
    do throws(UVError) {
      return try await source.waitForBytes(byteCount, isolation: isolation)
    } catch {
      throw .read(error)
    }
  }

  @inlinable
  mutating func cut(
    _ source: some FrameSource, isAtEnd: Bool
  ) throws(FrameError<Decoder.Failure>) -> Decoded<Decoder.Frame> {
    var decoded = Decoded<Decoder.Frame>.needMore
    var failure: FrameError<Decoder.Failure>?
    source.consume { bytes in
      do throws(FrameError<Decoder.Failure>) {
        decoded = try cutter.cut(bytes, isAtEnd: isAtEnd)
      } catch {
        failure = error
      }
      if case .frame(_, let consumed) = decoded { return consumed }
      return 0
    }
    if let failure { throw failure }
    return decoded
  }
}
