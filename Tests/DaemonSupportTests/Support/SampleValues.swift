import TestTaskDaemonSupport

/// Settings of a program that does not exist, a key of each kind.
struct SampleValues: SettingValues {
  enum Color: String, CaseIterable, Sendable {
    case red
    case green
  }

  var port = 25555
  var backlog = 511
  var halfClose = false
  var file = "sample.log"
  var color = Color.red
  var maxConnections = 10_000

  static let keys: [SettingKey<SampleValues>] = [
    .integer("server", "port", \.port, 0...65_535, .onRestart),
    .integer("server", "backlog", \.backlog, 1...65_535, .onRestart),
    .boolean("server", "half_close", \.halfClose, .onRestart),
    .text("log", "file", \.file, "a path", .onRestart),
    .choice("log", "color", \.color, .onReload),
    .integer("limits", "max_connections", \.maxConnections, 1...1_000_000, .onReload),
  ]
}
