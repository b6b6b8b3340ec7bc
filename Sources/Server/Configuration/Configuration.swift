/// Every setting of the server; a new value holds the defaults.
///
/// What each is called in the ini, its range and its unit is in ``ConfigurationKey/table``.
struct Configuration: Equatable, Sendable {
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
  var stuckPeerTimeoutSeconds = 60
  var drainTimeoutSeconds = 30

  /// Unsent answers from which decoding and reading pause: a sixteenth of the hard cap, because
  /// pausing has to come long before the cap for a peer that does read never to be cut.
  var pauseMarkBytes: Int { max(1, writeBufferBytes / 16) }
}
