/// Asks a decoder for one frame after another, and holds both it and the peer to the bound.
///
/// The result does not depend on how the stream was cut on its way: the decoder is never shown more
/// than one frame may have.
@usableFromInline
package struct FrameCutter<Decoder: Decoding> {
  @usableFromInline var decoder: Decoder
  @usableFromInline let maximumLength: Int

  @inlinable
  package init(_ decoder: Decoder, maximumLength: Int) {
    self.decoder = decoder
    self.maximumLength = max(1, maximumLength)
  }

  /// Looks for a frame at the beginning of `bytes`, of which there is one at least.
  ///
  /// When more are needed, the answer has a number that is not there yet.
  @inlinable
  package mutating func cut(
    _ bytes: RawSpan, isAtEnd: Bool
  ) throws(FrameError<Decoder.Failure>) -> Decoded<Decoder.Frame> {
    let visible = bytes.extracting(first: maximumLength)
    let decoded: Decoded<Decoder.Frame>
    do throws(Decoder.Failure) {
      decoded =
        isAtEnd && bytes.byteCount <= maximumLength
        ? try decoder.decodeAtEnd(visible) : try decoder.decode(visible)
    } catch {
      throw .malformed(error)
    }
    switch decoded {
    case .frame(_, let consumed):
      precondition(
        consumed >= 1 && consumed <= visible.byteCount,
        "a decoder found a frame of \(consumed) bytes in \(visible.byteCount)")
      return decoded
    case .needs(let byteCount):
      guard byteCount <= maximumLength, visible.byteCount < maximumLength else {
        throw .tooLong(maximumLength: maximumLength)
      }
      if isAtEnd { throw .truncated(byteCount: bytes.byteCount) }
      return .needs(byteCount: max(byteCount, bytes.byteCount + 1))
    }
  }
}
