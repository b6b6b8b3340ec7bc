/// Why a connection was closed.
public enum CloseReason: Sendable, Hashable {
  /// This side closed it.
  case local
  /// The peer had ended its stream before this side closed.
  case peer
  /// An operation failed, such as a read by the peer's reset.
  indirect case failed(UVError)
}
