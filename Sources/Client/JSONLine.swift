import ProgramSupport

/// One JSON object on one line, built key by key in order.
struct JSONLine {
  private var members: [String] = []

  var text: String { "{\(members.joined(separator: ","))}" }

  mutating func add(_ key: String, _ value: String) {
    members.append("\"\(key)\":\(value.jsonString)")
  }

  mutating func add(_ key: String, _ value: some BinaryInteger) {
    members.append("\"\(key)\":\(value)")
  }

  /// A number of seconds; nothing when there is none.
  mutating func add(_ key: String, _ value: Duration?) {
    if let value { members.append("\"\(key)\":\(value.decimalSeconds)") }
  }
}
