/// What a ``Decoding`` has found.
public enum Decoded<Frame> {
  /// A whole frame, and the number of bytes from the beginning that it took, its length prefix or
  /// end mark included: at least 1.
  case frame(Frame, consumed: Int)

  /// The frame is not complete before there are so many bytes in all.
  ///
  /// A number that is there already means that one more is needed.
  case needs(byteCount: Int)

  /// The frame is not complete, and nobody can tell yet how long it is.
  @inlinable
  public static var needMore: Self { .needs(byteCount: 0) }
}

extension Decoded: Sendable where Frame: Sendable {}
extension Decoded: Equatable where Frame: Equatable {}
