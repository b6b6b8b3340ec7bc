import TestTaskProgramBasics

/// One JSON object on one line, built key by key in order.
struct JSONLine {
  private var members: [String] = []

  /// An object without members.
  init() {}

  /// The object, without a line end.
  var text: String { "{\(members.joined(separator: ","))}" }

  /// Adds a text.
  mutating func add(_ key: String, _ value: String) {
    members.append("\"\(key)\":\(value.jsonString)")
  }

  /// Adds a whole number.
  mutating func add(_ key: String, _ value: some BinaryInteger) {
    members.append("\"\(key)\":\(value)")
  }

  /// Adds a number of seconds; nothing when there is none.
  mutating func add(_ key: String, _ value: Duration?) {
    if let value { members.append("\"\(key)\":\(value.decimalSeconds)") }
  }

  /// Adds a list of texts; nothing when it is empty.
  mutating func add(_ key: String, _ values: [String]) {
    guard !values.isEmpty else { return }
    members.append("\"\(key)\":[\(values.map(\.jsonString).joined(separator: ","))]")
  }
}
