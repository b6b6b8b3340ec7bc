/// The codes that the program exits with, other than a usage error's 64.
///
/// The raw value is the exit code. If several apply, the greatest by `<` counts: an interruption is the
/// greatest, a failed command the least.
package enum ExitStatus: Int32, Comparable {
  case success = 0
  case internalError = 1
  case connectionLost = 2
  case commandFailed = 3
  case timedOut = 4
  case protocolViolation = 5
  case hangup = 129
  case interrupted = 130
  case quit = 131
  case terminated = 143

  /// How a program ends that a signal ends: with 128 and the signal's number, as shells have it.
  init(signal: Int32) { self = Self(rawValue: 128 &+ signal) ?? .terminated }

  /// Whether a signal ended the program.
  var isSignal: Bool { rank == 6 }

  private var rank: Int {
    switch self {
    case .success: 0
    case .commandFailed: 1
    case .connectionLost: 2
    case .timedOut: 3
    case .protocolViolation: 4
    case .internalError: 5
    case .hangup, .interrupted, .quit, .terminated: 6
    }
  }

  package static func < (lhs: ExitStatus, rhs: ExitStatus) -> Bool { lhs.rank < rhs.rank }
}
