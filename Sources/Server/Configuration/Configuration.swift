import TestTaskProgramBasics
import TestTaskDaemonSupport

/// Every setting of the server; a new value holds the defaults.
///
/// What each is called in the ini, its range and its unit is in ``keys``.
struct Configuration: SettingValues, Sendable {
  var address = "127.0.0.1"
  var port = 25555
  var backlog = 511
  var halfClose = false

  var logFile = "testtask-server.log"
  var logFormat = LogFormat.logfmt
  var logLevel = LogLevel.info

  var maxConnections = 10_000
  var maxFrameBytes = 65_536
  var partialFrameTimeoutSeconds = 10
  var idleTimeoutSeconds = 0
  var maxSleepingRequests = 1_000_000
  var maxSleepingRequestsPerConnection = 1_024
  var writeBufferBytes = 1_048_576
  var totalWriteBufferBytes = 268_435_456
  var stuckPeerTimeoutSeconds = 60
  var drainTimeoutSeconds = 30
}
