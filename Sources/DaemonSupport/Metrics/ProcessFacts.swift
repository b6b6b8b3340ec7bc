/// What a daemon knows of its process, for metrics.
package struct ProcessFacts: Equatable, Sendable {
  /// When it was started, in nanoseconds since 1970.
  package var startedAt: UInt64 = 0
  /// Processor time of the process, in nanoseconds.
  package var processorTime: UInt64 = 0
  /// Turns of the loop.
  package var loopTurns: UInt64 = 0
  /// Bytes received and sent, by all connections.
  package var bytesRead: UInt64 = 0
  package var bytesWritten: UInt64 = 0
  package var logLinesLost: UInt64 = 0
  package var reloads: UInt64 = 0
  package var failedReloads: UInt64 = 0
  /// The versions of the program and of what it runs with.
  package var version = ""
  package var libuv = ""
  package var swift = ""

  package init() {}
}
