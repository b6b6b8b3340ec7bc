import UVNet

/// One place in a command's form: what may stand there, and what it is called.
enum Parameter {
  case word(String)
  case whole(String, ClosedRange<UInt64>)
  case seconds(ClosedRange<Duration>)
  case address
  case host
  case path
  case command

  /// An argument that fits its parameter.
  enum Value {
    case text(String)
    case number(UInt64)
    case duration(Duration)
    case address(SocketAddress)
  }

  /// How a text meets a parameter.
  enum Match {
    case value(Value)
    /// It is something else: another form of the command may want it.
    case mismatch
    /// It is meant for this place but cannot stand, for the reason given.
    case refused(String)
  }

  /// The name in usage lines.
  var name: String {
    switch self {
    case .word(let word): word
    case .whole(let name, _): name
    case .seconds: "SECONDS"
    case .address: "HOST[:PORT]"
    case .host: "HOST"
    case .path: "PATH"
    case .command: "COMMAND"
    }
  }

  /// The range of a number in words, nil when it has none.
  var range: String? {
    switch self {
    case .whole(_, let range): "\(range.lowerBound) … \(range.upperBound)"
    case .seconds(let range):
      "\(range.lowerBound.decimalSeconds) … \(range.upperBound.decimalSeconds)"
    default: nil
    }
  }

  /// The name, with the range where there is one.
  var expectation: String { range.map { "\(name) (\($0))" } ?? name }

  /// Checks one argument.
  func match(_ text: String) -> Match {
    switch self {
    case .word(let word): return text == word ? .value(.text(text)) : .mismatch
    case .path, .command: return .value(.text(text))
    case .whole(_, let range):
      // A sign or a fraction is a number out of its range, not a word.
      guard text.utf8.allSatisfy({ (48...57).contains($0) }), !text.isEmpty else {
        return isNumber(text) ? .refused(outOfRange(text)) : .mismatch
      }
      guard let number = UInt64(text), range.contains(number) else {
        return .refused(outOfRange(text))
      }
      return .value(.number(number))
    case .seconds(let range):
      guard let duration = Duration(decimalSeconds: text), range.contains(duration) else {
        return isNumber(text) ? .refused(outOfRange(text)) : .mismatch
      }
      return .value(.duration(duration))
    case .address, .host:
      do {
        let isHost = if case .host = self { true } else { false }
        return .value(.address(try SocketAddress(target: text, isHost: isHost)))
      } catch {
        return .refused(error.message)
      }
    }
  }

  private func outOfRange(_ text: String) -> String {
    "\(name) must be \(range ?? ""), not \(text.escapedForTerminal)"
  }

  private func isNumber(_ text: String) -> Bool {
    text.utf8.allSatisfy { (48...57).contains($0) || $0 == 43 || $0 == 45 || $0 == 46 }
      && text.utf8.contains { (48...57).contains($0) }
  }
}
