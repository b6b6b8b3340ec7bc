/// Metrics in Prometheus' text format, version 0.0.4, one after another
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
package struct MetricsText {
  /// What a response says that its body is.
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// The text so far.
  package private(set) var bytes: [UInt8] = []

  package init() { bytes.reserveCapacity(8_192) }

  /// A label and its value, which may be any text.
  package typealias Label = (name: StaticString, value: String)

  /// Adds a number that only grows; its name ends with `_total`.
  package mutating func counter(_ name: StaticString, _ help: StaticString, _ value: UInt64) {
    begin(name, help, "counter")
    sample(name, value: "\(value)")
  }

  /// Adds a number that only grows, for each value of a label.
  package mutating func counter(
    _ name: StaticString, _ help: StaticString, by label: StaticString,
    _ values: [(label: String, value: UInt64)]
  ) {
    begin(name, help, "counter")
    for (value, number) in values { sample(name, labels: [(label, value)], value: "\(number)") }
  }

  /// Adds a time in nanoseconds that only grows, in seconds.
  package mutating func counter(
    _ name: StaticString, _ help: StaticString, nanoseconds: UInt64
  ) {
    begin(name, help, "counter")
    sample(name, value: Self.seconds(nanoseconds))
  }

  /// Adds a number that goes up and down.
  package mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Int) {
    begin(name, help, "gauge")
    sample(name, value: "\(value)")
  }

  /// Adds a point in time, in nanoseconds since 1970, in seconds.
  package mutating func gauge(_ name: StaticString, _ help: StaticString, nanoseconds: UInt64) {
    begin(name, help, "gauge")
    sample(name, value: Self.seconds(nanoseconds))
  }

  /// Adds the number 1 with labels that say something.
  package mutating func info(_ name: StaticString, _ help: StaticString, _ labels: [Label]) {
    begin(name, help, "gauge")
    sample(name, labels: labels, value: "1")
  }

  /// Adds a histogram of durations, in seconds; its name ends with `_seconds`.
  package mutating func histogram(
    _ name: StaticString, _ help: StaticString, _ histogram: DurationHistogram
  ) {
    begin(name, help, "histogram")
    let count = histogram.count
    for (bound, number) in zip(DurationHistogram.bounds, histogram.cumulative) {
      sample(name, "_bucket", labels: [("le", Self.seconds(bound))], value: "\(number)")
    }
    sample(name, "_bucket", labels: [("le", "+Inf")], value: "\(count)")
    sample(name, "_sum", value: Self.seconds(histogram.sum))
    sample(name, "_count", value: "\(count)")
  }

  // MARK: Lines

  /// Adds the lines before the samples; a help has neither a line's end nor a backslash.
  private mutating func begin(
    _ name: StaticString, _ help: StaticString, _ type: StaticString
  ) {
    add("# HELP \(name) \(help)\n# TYPE \(name) \(type)\n")
  }

  private mutating func sample(
    _ name: StaticString, _ suffix: StaticString = "", labels: [Label] = [], value: String
  ) {
    let texts = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
    let braces = texts.isEmpty ? "" : "{\(texts.joined(separator: ","))}"
    add("\(name)\(suffix)\(braces) \(value)\n")
  }

  private mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private static func escaped(_ value: String) -> String {
    var escaped = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Nanoseconds as seconds, exactly, in decimal digits.
  static func seconds(_ nanoseconds: UInt64) -> String {
    let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    guard rest > 0 else { return "\(whole)" }
    var digits = "\(1_000_000_000 + rest)".dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(whole).\(digits)"
  }
}
