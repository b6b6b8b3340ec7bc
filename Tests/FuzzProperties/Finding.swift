/// A property that did not hold for an input.
public struct Finding: Error, CustomStringConvertible {
  /// What was expected, and what came instead.
  public var message: String

  /// The message.
  public var description: String { message }
}

/// Throws a finding unless `holds`.
func require(_ holds: Bool, _ message: @autoclosure () -> String) throws(Finding) {
  guard holds else { throw Finding(message: message()) }
}

/// Throws a finding unless both are the same.
func requireEqual<Value: Equatable>(
  _ left: Value, _ right: Value, _ what: @autoclosure () -> String
) throws(Finding) {
  guard left == right else {
    throw Finding(message: "\(what()): \(left) is not \(right)")
  }
}
