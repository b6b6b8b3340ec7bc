/// One setting as the ini has it: section, key, what it accepts, and how it reaches
/// ``Configuration``.
///
/// ``table`` is the only list of settings there is: the ini, the flags, `--dump-config`, reloading
/// and the test of `etc/server.ini` all go by it.
struct ConfigurationKey: Sendable {
  /// When a changed value counts for a running server.
  enum Effect: Sendable {
    case onReload
    case onRestart
  }

  let section: String
  let name: String
  /// The values that are accepted, in words: `0 to 65535`.
  let accepts: String
  let effect: Effect
  /// The value as the ini would have it, unquoted.
  let read: @Sendable (Configuration) -> String
  /// Takes a value over; false if it is not acceptable.
  let write: @Sendable (inout Configuration, String) -> Bool

  static let table: [ConfigurationKey] = [
    .text("server", "address", \.address, "a numeric IPv4 or IPv6 address"),
    .integer("server", "port", \.port, 0...65_535),
    .integer("server", "backlog", \.backlog, 1...65_535),
    .boolean("server", "half_close", \.halfClose),

    .text("log", "file", \.logFile, "a path, or - for standard output"),
    .choice("log", "format", \.logFormat),
    .choice("log", "level", \.logLevel, .onReload),

    .integer("limits", "max_connections", \.maxConnections, 1...1_000_000),
    .integer("limits", "max_frame_bytes", \.maxFrameBytes, 8...1_073_741_824),
    .integer("limits", "partial_frame_timeout_seconds", \.partialFrameTimeoutSeconds, 1...86_400),
    .integer("limits", "idle_timeout_seconds", \.idleTimeoutSeconds, 0...31_536_000),
    .integer("limits", "max_sleeping_requests", \.maxSleepingRequests, 0...100_000_000),
    .integer(
      "limits", "max_sleeping_requests_per_connection", \.maxSleepingRequestsPerConnection,
      0...100_000_000),
    .integer("limits", "write_buffer_bytes", \.writeBufferBytes, 4_096...1_073_741_824),
    .integer("limits", "stuck_peer_timeout_seconds", \.stuckPeerTimeoutSeconds, 1...86_400),
    .integer("limits", "drain_timeout_seconds", \.drainTimeoutSeconds, 0...86_400),
  ]

  static let sections = ["server", "log", "limits"]

  static func named(_ name: String, in section: String) -> ConfigurationKey? {
    table.first { $0.name == name && $0.section == section }
  }

  private static func integer(
    _ section: String, _ name: String,
    _ path: any WritableKeyPath<Configuration, Int> & Sendable,
    _ range: ClosedRange<Int>
  ) -> ConfigurationKey {
    ConfigurationKey(
      section: section, name: name,
      accepts: "\(range.lowerBound) to \(range.upperBound)",
      effect: section == "limits" ? .onReload : .onRestart,
      read: { String($0[keyPath: path]) },
      write: { configuration, text in
        // Int's own parser would take a sign too.
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
          let number = Int(text), range.contains(number)
        else { return false }
        configuration[keyPath: path] = number
        return true
      })
  }

  private static func boolean(
    _ section: String, _ name: String,
    _ path: any WritableKeyPath<Configuration, Bool> & Sendable
  ) -> ConfigurationKey {
    ConfigurationKey(
      section: section, name: name, accepts: "yes or no", effect: .onRestart,
      read: { $0[keyPath: path] ? "yes" : "no" },
      write: { configuration, text in
        switch text {
        case "yes", "true", "on", "1": configuration[keyPath: path] = true
        case "no", "false", "off", "0": configuration[keyPath: path] = false
        default: return false
        }
        return true
      })
  }

  private static func text(
    _ section: String, _ name: String,
    _ path: any WritableKeyPath<Configuration, String> & Sendable,
    _ accepts: String
  ) -> ConfigurationKey {
    ConfigurationKey(
      section: section, name: name, accepts: accepts, effect: .onRestart,
      read: { $0[keyPath: path] },
      write: { configuration, text in
        configuration[keyPath: path] = text
        return !text.isEmpty
      })
  }

  private static func choice<Choice>(
    _ section: String, _ name: String,
    _ path: any WritableKeyPath<Configuration, Choice> & Sendable,
    _ effect: Effect = .onRestart
  ) -> ConfigurationKey where Choice: RawRepresentable<String> & CaseIterable & SendableMetatype {
    ConfigurationKey(
      section: section, name: name,
      accepts: Choice.allCases.map(\.rawValue).joined(separator: ", "), effect: effect,
      read: { $0[keyPath: path].rawValue },
      write: { configuration, text in
        guard let choice = Choice(rawValue: text) else { return false }
        configuration[keyPath: path] = choice
        return true
      })
  }
}
