import TestTaskProgramBasics

/// One place in a command's form: what may stand there, and what it is called.
package enum Parameter {
  case word(String)
  case milliseconds, wholeSeconds
  case seconds(ClosedRange<Duration>)
  case target, host, port, path, command

  /// How well a text fits a parameter.
  enum Match {
    case fits
    /// It does not fit; another form of the command may accept it.
    case differs
    /// It is meant for this parameter but is not valid, for the given reason.
    case refused(String)
  }

  /// The name in usage lines.
  var name: String {
    switch self {
    case .word(let word): word
    case .milliseconds: "MS"
    case .wholeSeconds, .seconds: "SECONDS"
    case .target: "HOST[:PORT]"
    case .host: "HOST"
    case .port: "PORT"
    case .path: "PATH"
    case .command: "COMMAND"
    }
  }

  private var wholeRange: ClosedRange<UInt64>? {
    switch self {
    case .milliseconds: 10...1000
    case .wholeSeconds: 0...UInt64(UInt32.max)
    case .port: 1...65535
    default: nil
    }
  }

  /// The range of a number in words, nil when it has none.
  package var range: String? {
    if case .seconds(let range) = self {
      return "\(range.lowerBound.decimalSeconds) … \(range.upperBound.decimalSeconds)"
    }
    return wholeRange.map { "\($0.lowerBound) … \($0.upperBound)" }
  }

  /// The name, with the range where there is one.
  var expectation: String { range.map { "\(name) (\($0))" } ?? name }

  /// Reads one argument.
  func read(
    _ text: String, into arguments: inout Arguments, allowsNames: Bool
  ) -> Match {
    switch self {
    case .word(let word): return text == word ? .fits : .differs
    case .path where text.unicodeScalars.contains { $0.properties.generalCategory == .control }:
      return .refused("PATH must be without control characters")
    // Bytes that are not UTF-8 were replaced when the line was read: the name would be another file's.
    case .path where text.unicodeScalars.contains("\u{fffd}"):
      return .refused("PATH must be UTF-8")
    case .path, .command: arguments.text = text
    case .milliseconds, .wholeSeconds, .port:
      guard text.utf8.allSatisfy(Self.digits.contains), let number = UInt64(text),
        wholeRange?.contains(number) == true
      else { return refusal(of: text) }
      switch self {
      case .milliseconds: arguments.milliseconds = number
      case .port: arguments.port = UInt16(clamping: number)
      default: arguments.wholeSeconds = UInt32(clamping: number)
      }
    case .seconds(let range):
      guard let duration = Duration(decimalSeconds: text), range.contains(duration) else {
        return refusal(of: text)
      }
      arguments.duration = duration
    case .target, .host:
      do throws(CommandError) {
        let isHost = if case .host = self { true } else { false }
        arguments.target = try Target(reading: text, isHost: isHost, allowsNames: allowsNames)
      } catch {
        return .refused(error.message)
      }
    }
    return .fits
  }

  private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

  /// The error for a number that is out of range names the range.
  private func refusal(of text: String) -> Match {
    guard text.utf8.contains(where: Self.digits.contains),
      text.utf8.allSatisfy({ Self.digits.contains($0) || "+-.".utf8.contains($0) })
    else { return .differs }
    return .refused("\(name) must be \(range ?? ""), not \(text)")
  }
}
