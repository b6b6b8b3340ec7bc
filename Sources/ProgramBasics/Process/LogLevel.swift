/// How much an event matters; a log set to a level leaves out everything after it.
package enum LogLevel: String, CaseIterable, Comparable, Sendable {
  case error
  case warning
  case info
  case debug

  /// The syslog priority, which is also what a service manager's journal calls it.
  package var priority: Int {
    switch self {
    case .error: 3
    case .warning: 4
    case .info: 6
    case .debug: 7
    }
  }

  package static func < (left: LogLevel, right: LogLevel) -> Bool {
    left.priority < right.priority
  }
}
