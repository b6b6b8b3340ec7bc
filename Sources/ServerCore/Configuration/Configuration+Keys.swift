package import TestTaskDaemonSupport

extension Configuration {
  /// The only list of settings there is: the ini, the flags, `--dump-config`, reloading and the test
  /// of `etc/server.ini` all go by it.
  package static let keys: [SettingKey<Configuration>] = [
    .text("server", "address", \.address, "a numeric IPv4 or IPv6 address, or none", .onRestart),
    .integer("server", "port", \.port, 0...65_535, .onRestart),
    .integer("server", "backlog", \.backlog, 1...65_535, .onRestart),
    .boolean("server", "half_close", \.halfClose, .onRestart),
    .text("server", "socket", \.socket, "a path of at most 107 bytes, or none", .onRestart),
    .permissions("server", "socket_mode", \.socketMode, .onRestart),
    .boolean("server", "reuse_port", \.reusePort, .onRestart),
    .text("server", "count_file", \.countFile, "a path, or none", .onRestart),
    .boolean("server", "proxy_protocol", \.proxyProtocol, .onReload),
    .networks("server", "proxy_from", \.proxyFrom, .onReload),
    .integer("server", "proxy_timeout_seconds", \.proxyTimeoutSeconds, 1...3_600, .onReload),

    .text("tls", "certificate", \.certificate, "a path, or none", .onReload),
    .text("tls", "key", \.key, "a path, or none", .onReload),
    .text("tls", "client_ca", \.clientCA, "a path, or none", .onReload),
    .choice("tls", "minimum_version", \.minimumTLSVersion, .onReload),
    .integer(
      "tls", "handshake_timeout_seconds", \.handshakeTimeoutSeconds, 1...3_600, .onReload),

    .text(
      "metrics", "address", \.metricsAddress, "a numeric IPv4 or IPv6 address, or none", .onRestart),
    .integerOrNone("metrics", "port", \.metricsPort, 0...65_535, .onRestart),
    .text(
      "metrics", "socket", \.metricsSocket, "a path of at most 107 bytes, or none", .onRestart),

    .text("log", "file", \.logFile, "a path, or - for standard output", .onRestart),
    .choice("log", "format", \.logFormat, .onRestart),
    .choice("log", "level", \.logLevel, .onReload),

    .limit("max_connections", \.maxConnections, 1...1_000_000),
    .limit("max_frame_bytes", \.maxFrameBytes, 8...1_073_741_824),
    .limit("partial_frame_timeout_seconds", \.partialFrameTimeoutSeconds, 1...86_400),
    .limit("idle_timeout_seconds", \.idleTimeoutSeconds, 0...31_536_000),
    .limit("max_sleeping_requests", \.maxSleepingRequests, 0...100_000_000),
    .limit(
      "max_sleeping_requests_per_connection", \.maxSleepingRequestsPerConnection, 0...100_000_000),
    .limit("write_buffer_bytes", \.writeBufferBytes, 4_096...1_073_741_824),
    .limit("total_write_buffer_bytes", \.totalWriteBufferBytes, 1_048_576...1_099_511_627_776),
    .limit("stuck_peer_timeout_seconds", \.stuckPeerTimeoutSeconds, 1...86_400),
    .limit("drain_timeout_seconds", \.drainTimeoutSeconds, 0...86_400),
  ]
}

extension SettingKey {
  fileprivate static func limit(
    _ name: String, _ path: any WritableKeyPath<Values, Int> & Sendable, _ range: ClosedRange<Int>
  ) -> SettingKey {
    .integer("limits", name, path, range, .onReload)
  }
}

extension Settings<Configuration> {
  /// Lowers the limit of connections to what the process has descriptors for.
  ///
  /// - Returns: What to tell the operator, if it had to be lowered.
  package mutating func lowerConnections(to most: Int) -> String? {
    let asked = lower(
      "max_connections", in: "limits", \.maxConnections, to: most, because: "the descriptor limit")
    return asked.map {
      "max_connections lowered from \($0) to \(values.maxConnections): "
        + "the process may have no more descriptors (ulimit -n)"
    }
  }
}
