/// Why a connection was closed.
///
/// More reasons may come with later versions, hence a structure: a `switch` over it has a `default`.
public struct CloseReason: Sendable, Hashable {
  /// One word, so that a connection is no larger for it.
  private enum Kind: Sendable, Hashable {
    case local, peer, idle, detached
    indirect case failed(UVError)
    indirect case program(String)
  }

  private let kind: Kind

  /// This side closed it.
  public static let local = CloseReason(kind: .local)

  /// The peer had ended its stream before this side closed.
  public static let peer = CloseReason(kind: .peer)

  /// No bytes moved for the time that ``StreamConnection/setIdleTimeout(_:counting:)`` allows.
  public static let idle = CloseReason(kind: .idle)

  /// The socket was given up by ``StreamConnection/detach()``.
  public static let detached = CloseReason(kind: .detached)

  /// An operation failed, such as a read by the peer's reset.
  public static func failed(_ error: UVError) -> CloseReason { CloseReason(kind: .failed(error)) }

  /// A reason of the program's own, for ``StreamConnection/close(_:)``, such as `evicted`.
  ///
  /// Declare it once, as a static member in an extension.
  ///
  /// - Parameter name: What `description` says; two reasons of one name are equal.
  public init(_ name: String) { kind = .program(name) }

  private init(kind: Kind) { self.kind = kind }

  /// What failed; `nil` when nothing did.
  public var error: UVError? {
    if case .failed(let error) = kind { error } else { nil }
  }
}

extension CloseReason: CustomStringConvertible {
  /// The reason in words, such as `peer`, or the error that closed the connection.
  public var description: String {
    switch kind {
    case .local: "local"
    case .peer: "peer"
    case .idle: "idle"
    case .detached: "detached"
    case .failed(let error): "failed: \(error)"
    case .program(let name): name
    }
  }
}
