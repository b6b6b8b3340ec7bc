import TestTaskProgramBasics

/// What an option says of a time: how many seconds, or off.
package struct SecondsOption: Hashable {
  /// The time; `nil` is off.
  package let duration: Duration?

  /// Reads `off`, or seconds that are in the range.
  package init(_ text: String, in range: ClosedRange<Duration>) throws(CommandError) {
    duration = text == "off" ? nil : try Self.seconds(text, in: range, orElse: ", or off")
  }

  /// Reads seconds that are in the range.
  package static func seconds(
    _ text: String, in range: ClosedRange<Duration>, orElse alternative: String = ""
  ) throws(CommandError) -> Duration {
    guard let duration = Duration(decimalSeconds: text), range.contains(duration) else {
      let range = Parameter.seconds(range).range ?? ""
      throw CommandError(message: "it must be \(range) seconds\(alternative)")
    }
    return duration
  }
}
