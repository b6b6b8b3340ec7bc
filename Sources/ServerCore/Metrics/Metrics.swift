internal import TestTaskDaemonSupport

/// Counters and histograms for `/metrics` that the server itself does not need.
///
/// There is no counter of fast requests: their number is that of all requests less the slow ones.
package struct Metrics: Equatable, Sendable {
  /// Slow requests that were put to sleep.
  private(set) var slowRequests: UInt64 = 0
  /// Connections that were turned away.
  private(set) var rejected: UInt64 = 0
  /// By the reasons' places among all.
  private var disconnects = [UInt64](repeating: 0, count: DisconnectReason.allCases.count)
  /// How late the turn of the loop began in which each slow request was answered.
  private(set) var lateness = DurationHistogram()
  /// How long the program has kept the loop in each callback.
  private(set) var callbacks = DurationHistogram()

  mutating func countSlowRequest() { slowRequests &+= 1 }
  mutating func countRejected() { rejected &+= 1 }
  mutating func countDisconnect(_ reason: DisconnectReason) { disconnects[reason.place] &+= 1 }
  mutating func countAnswer(lateBy nanoseconds: UInt64) { lateness.add(nanoseconds) }
  package mutating func countCallback(_ nanoseconds: UInt64) { callbacks.add(nanoseconds) }

  /// How many clients have left for each reason.
  var disconnectsByReason: [(label: String, value: UInt64)] {
    DisconnectReason.allCases.map { ($0.rawValue, disconnects[$0.place]) }
  }
}

extension DisconnectReason {
  /// Its place in `allCases`.
  fileprivate var place: Int {
    switch self {
    case .eof: 0
    case .reset: 1
    case .idle: 2
    case .partialFrame: 3
    case .violation: 4
    case .limit: 5
    case .stuck: 6
    case .buffer: 7
    case .handshake: 8
    case .truncated: 9
    case .shutdown: 10
    case .error: 11
    }
  }
}
