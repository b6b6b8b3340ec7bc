package import TestTaskDaemonSupport
package import TestTaskProgramBasics

/// Every setting of the server; a new value holds the defaults.
///
/// What each is called in the ini, its range and its unit is in ``keys``.
package struct Configuration: SettingValues, Sendable {
  package var address = "127.0.0.1"
  package var port = 25555
  package var backlog = 511
  package var halfClose = false
  package var socket = Self.none
  package var socketMode: UInt32 = 0o660
  package var reusePort = false
  package var countFile = Self.none
  package var proxyProtocol = false
  package var proxyFrom = NetworkList.loopback
  package var proxyTimeoutSeconds = 5

  package var certificate = Self.none
  package var key = Self.none
  package var clientCA = Self.none
  package var minimumTLSVersion = TLSSettings.MinimumVersion.v1_2
  package var handshakeTimeoutSeconds = 10

  package var metricsAddress = "127.0.0.1"
  package var metricsPort: Int?
  package var metricsSocket = Self.none

  package var logFile = "testtask-server.log"
  package var logFormat = LogFormat.logfmt
  package var logLevel = LogLevel.info

  package var maxConnections = 10_000
  package var maxFrameBytes = 65_536
  package var partialFrameTimeoutSeconds = 10
  package var idleTimeoutSeconds = 0
  package var maxSleepingRequests = 1_000_000
  package var maxSleepingRequestsPerConnection = 1_024
  package var writeBufferBytes = 1_048_576
  package var totalWriteBufferBytes = 268_435_456
  package var stuckPeerTimeoutSeconds = 60
  package var drainTimeoutSeconds = 30

  package init() {}

  /// What ``address``, ``socket`` or a path is when there is none.
  private static let none = "none"

  /// What TLS needs; `nil` when the TCP port speaks the plain protocol.
  package var tls: TLSSettings? {
    guard certificate != Self.none, key != Self.none else { return nil }
    var settings = TLSSettings(
      certificate: certificate, key: key, clientCA: clientCA == Self.none ? nil : clientCA)
    settings.minimumVersion = minimumTLSVersion
    settings.handshakeTimeout = .seconds(handshakeTimeoutSeconds)
    return settings
  }

  package var contradictions: [String] {
    if (certificate == Self.none) != (key == Self.none) {
      return ["[tls] needs both \"certificate\" and \"key\", or neither"]
    }
    if clientCA != Self.none, tls == nil {
      return ["\"client_ca\" in [tls] needs \"certificate\" and \"key\""]
    }
    if metricsPort != nil, metricsAddress == Self.none {
      return ["\"port\" in [metrics] needs an \"address\""]
    }
    if port != 0, metricsPort == port, metricsAddress == address {
      return ["\"port\" in [metrics] is the one in [server]"]
    }
    if socketPath != nil, metricsSocketPath == socketPath {
      return ["\"socket\" in [metrics] is the one in [server]"]
    }
    return []
  }

  /// Where to listen by TCP; `nil` for nowhere.
  package var tcpAddress: String? { address == Self.none ? nil : address }
  /// The path of the Unix socket to listen on; `nil` for none.
  package var socketPath: String? { socket == Self.none ? nil : socket }
  /// The file by which processes share the number of clients; `nil` for a server that counts alone.
  package var countFilePath: String? { countFile == Self.none ? nil : countFile }
  /// The path of the Unix socket to serve metrics on; `nil` for none.
  package var metricsSocketPath: String? { metricsSocket == Self.none ? nil : metricsSocket }
  /// Whether metrics are served.
  package var servesMetrics: Bool { metricsPort != nil || metricsSocketPath != nil }
}
