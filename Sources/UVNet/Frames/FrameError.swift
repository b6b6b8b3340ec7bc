/// What ends a stream of frames early; `Malformed` is the decoder's own error.
public enum FrameError<Malformed: Error>: Error {
  /// The stream could not be read: it failed, it was closed, or the task was cancelled.
  case read(UVError)
  /// A frame has more bytes than are allowed.
  case tooLong(maximumLength: Int)
  /// The stream ended inside a frame, of which so many bytes had come.
  case truncated(byteCount: Int)
  /// The bytes are no frame.
  case malformed(Malformed)
}

extension FrameError: Equatable where Malformed: Equatable {}
extension FrameError: Hashable where Malformed: Hashable {}

extension FrameError: CustomStringConvertible {
  /// The failure in words.
  public var description: String {
    switch self {
    case .read(let error): "\(error)"
    case .tooLong(let maximumLength): "a frame is longer than \(maximumLength) bytes"
    case .truncated(let byteCount): "the stream ended at byte \(byteCount) of a frame"
    case .malformed(let error): "\(error)"
    }
  }
}
