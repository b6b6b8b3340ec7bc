#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A signal by name, for programs that import nothing of the system's.
public struct Signal: RawRepresentable, Hashable, Sendable {
  /// The signal's number.
  public let rawValue: Int32

  /// Wraps a number, such as `SIGTERM`.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The request to end (SIGTERM).
  public static let terminate = Signal(rawValue: SIGTERM)
  /// Ctrl-C at the terminal (SIGINT).
  public static let interrupt = Signal(rawValue: SIGINT)
  /// Ctrl-\ at the terminal (SIGQUIT).
  public static let quit = Signal(rawValue: SIGQUIT)
  /// The terminal was closed; for a daemon, the request to read its configuration again (SIGHUP).
  public static let hangUp = Signal(rawValue: SIGHUP)
  /// A signal of the program's own (SIGUSR1).
  public static let user1 = Signal(rawValue: SIGUSR1)
  /// A signal of the program's own (SIGUSR2).
  public static let user2 = Signal(rawValue: SIGUSR2)
  /// The terminal's window has another size (SIGWINCH).
  public static let windowChange = Signal(rawValue: SIGWINCH)
  /// A child process has ended or stopped (SIGCHLD).
  public static let child = Signal(rawValue: SIGCHLD)
}

extension Signal: CustomStringConvertible {
  /// The name, such as `SIGTERM`; `signal 35` for a signal that this type has no name for.
  public var description: String {
    switch self {
    case .terminate: "SIGTERM"
    case .interrupt: "SIGINT"
    case .quit: "SIGQUIT"
    case .hangUp: "SIGHUP"
    case .user1: "SIGUSR1"
    case .user2: "SIGUSR2"
    case .windowChange: "SIGWINCH"
    case .child: "SIGCHLD"
    default: "signal \(rawValue)"
    }
  }
}

extension SignalSource {
  /// Watches a signal, by its name.
  ///
  /// - Parameters:
  ///   - signal: The signal.
  ///   - loop: The loop to call back on.
  ///   - body: Called for each delivery; signals that come faster than the loop turns coalesce.
  /// - Returns: The source, watching; it does not keep the loop alive unless
  ///   ``Handle/keepsLoopAlive`` is set.
  /// - Throws: ``UVError/Code/invalidArgument`` for one that cannot be watched.
  @discardableResult
  public static func on(
    _ signal: Signal, on loop: EventLoop, _ body: @escaping (SignalSource) -> Void
  ) throws(UVError) -> SignalSource {
    try on(signal.rawValue, on: loop, body)
  }
}
