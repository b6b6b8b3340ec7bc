/// Reads the client's language by the table of ``CommandForm``.
enum CommandParser {
  /// Reads one line; nil when it is blank or a comment (`#` at its start).
  static func parse(_ line: String) throws(CommandError) -> Command? {
    let words = try words(of: line)
    guard let name = words.first, !name.hasPrefix("#") else { return nil }
    let forms = CommandForm.all.filter { $0.name == name }
    guard !forms.isEmpty else { throw unknown(name) }
    let arguments = Array(words.dropFirst())
    // Of the forms that do not fit, those that fit furthest say best what is wrong.
    var furthest = 0
    var refusal: String?
    var expected: [Parameter] = []
    for form in forms {
      var values: [Parameter.Value] = []
      var failure: Parameter.Match?
      for (parameter, argument) in zip(form.parameters, arguments) {
        let match = parameter.match(argument)
        guard case .value(let value) = match else {
          failure = match
          break
        }
        values.append(value)
      }
      if failure == nil, form.parameters.count == arguments.count { return form.make(values) }
      if values.count > furthest { (furthest, refusal, expected) = (values.count, nil, []) }
      guard values.count == furthest else { continue }
      if case .refused(let reason)? = failure, refusal == nil { refusal = reason }
      if form.parameters.count > furthest { expected.append(form.parameters[furthest]) }
    }
    if let refusal { throw CommandError(message: "\(name): \(refusal)") }
    throw misfit(name, expected, arguments.dropFirst(furthest).first, forms)
  }

  /// Whether the line is a command whose name is `name`, whatever follows.
  private static func unknown(_ name: String) -> CommandError {
    let synonyms = ["exit": "quit", "bye": "quit", "open": "connect", "close": "disconnect"]
    let meant = synonyms[name] ?? Spelling.nearest(to: name, among: CommandForm.names)
    let hint = meant.map { "did you mean \"\($0)\"?" } ?? "\"help\" lists the commands"
    return CommandError(message: "unknown command \"\(name.escapedForTerminal)\"; \(hint)")
  }

  private static func misfit(
    _ name: String, _ expected: [Parameter], _ argument: String?, _ forms: [CommandForm]
  ) -> CommandError {
    var names: [String] = []
    for parameter in expected where !names.contains(parameter.expectation) {
      names.append(parameter.expectation)
    }
    var message = "\(name): "
    switch (names.isEmpty, argument) {
    case (true, let argument):
      message += "unexpected \"\((argument ?? "").escapedForTerminal)\"; "
      message += "usage: " + forms.map(\.usage).joined(separator: " | ")
    case (false, let argument):
      message += "expected " + names.joined(separator: " or ")
      guard let argument else { break }
      message += ", not \"\(argument.escapedForTerminal)\""
      let words = expected.compactMap { if case .word(let word) = $0 { word } else { nil } }
      if let meant = Spelling.nearest(to: argument, among: words) {
        message += "; did you mean \"\(meant)\"?"
      }
    }
    return CommandError(message: message)
  }

  /// Splits a line at blanks; a part in `"…"` may hold blanks, and `\"` and `\\` there.
  static func words(of line: String) throws(CommandError) -> [String] {
    var words: [String] = []
    var word: String?
    var isQuoted = false
    var isEscaped = false
    for character in line.unicodeScalars {
      if isEscaped {
        word?.unicodeScalars.append(character)
        isEscaped = false
      } else if isQuoted {
        switch character {
        case "\"": isQuoted = false
        case "\\": isEscaped = true
        default: word?.unicodeScalars.append(character)
        }
      } else if character == "\"" {
        isQuoted = true
        word = word ?? ""
      } else if character == " " || character == "\t" {
        if let word { words.append(word) }
        word = nil
      } else {
        word = word ?? ""
        word?.unicodeScalars.append(character)
      }
    }
    if isQuoted { throw CommandError(message: "the quote is not closed") }
    if let word { words.append(word) }
    return words
  }

  /// The text as one word of a line, quoted where it must be.
  static func quoted(_ text: String) -> String {
    let special =
      text.isEmpty || text.unicodeScalars.contains { " \t\"#".unicodeScalars.contains($0) }
    guard special else { return text }
    var result = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result + "\""
  }

  /// What could stand at the end of `line`, the text before the cursor.
  static func completions(of line: String, addresses: [String] = []) -> Completion {
    let parts = line.split(separator: " ", omittingEmptySubsequences: false)
    let partial = String(parts.last ?? "")
    let words = parts.dropLast().filter { !$0.isEmpty }.map(String.init)
    var candidates: [String] = []
    guard let name = words.first else {
      return Completion(partial: partial, among: CommandForm.names)
    }
    for form in CommandForm.all where form.name == name && form.parameters.count >= words.count {
      let fits = zip(form.parameters, words.dropFirst()).allSatisfy { parameter, word in
        if case .value = parameter.match(word) { true } else { false }
      }
      guard fits else { continue }
      switch form.parameters[words.count - 1] {
      case .word(let word): candidates.append(word)
      case .command: candidates += CommandForm.names
      case .address: candidates += addresses
      default: break
      }
    }
    return Completion(partial: partial, among: candidates)
  }

  /// The lines of `help`, or of `help NAME`.
  static func help(_ name: String?) throws(CommandError) -> [String] {
    guard let name else {
      let width = CommandForm.all.map(\.usage.count).max() ?? 0
      return CommandForm.all.map { form in
        form.usage + String(repeating: " ", count: width - form.usage.count + 2) + form.summary
      }
    }
    let forms = CommandForm.all.filter { $0.name == name }
    if forms.isEmpty { throw unknown(name) }
    var lines: [String] = []
    for form in forms {
      lines.append("\(form.usage)  \(form.summary)")
      for parameter in form.parameters {
        if let range = parameter.range { lines.append("  \(parameter.name) is \(range)") }
      }
      if let example = form.example { lines.append("  example: \(example)") }
    }
    return lines
  }
}
