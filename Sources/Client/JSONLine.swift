import TestTaskProgramBasics

/// One JSON object on one line, built key by key in order.
package struct JSONLine {
  private var members: [String] = []

  /// An object without members.
  package init() {}

  /// The object, without a line end.
  package var text: String { "{\(members.joined(separator: ","))}" }

  /// Adds a text.
  package mutating func add(_ key: String, _ value: String) {
    members.append("\"\(key)\":\(value.jsonString)")
  }

  /// Adds a whole number.
  package mutating func add(_ key: String, _ value: some BinaryInteger) {
    members.append("\"\(key)\":\(value)")
  }

  /// Adds a number of seconds; nothing when there is none.
  package mutating func add(_ key: String, _ value: Duration?) {
    if let value { members.append("\"\(key)\":\(value.decimalSeconds)") }
  }

  /// Adds a list of texts; nothing when it is empty.
  package mutating func add(_ key: String, _ values: [String]) {
    guard !values.isEmpty else { return }
    members.append("\"\(key)\":[\(values.map(\.jsonString).joined(separator: ","))]")
  }
}
