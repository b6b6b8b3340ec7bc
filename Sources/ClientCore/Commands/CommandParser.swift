import TestTaskProgramBasics
package import TestTaskTerminalSupport

/// Reads the client's language by the table of ``CommandForm``.
package struct CommandParser: Sendable {
  /// Whether the host to connect to may be a name that has to be looked up.
  private let allowsNames: Bool

  /// A parser that accepts names of hosts, or only numeric addresses and `localhost`.
  package init(allowsNames: Bool) { self.allowsNames = allowsNames }

  /// Reads one line; nil when it is blank or a comment (`#` at its start).
  package func parse(_ line: String) throws(CommandError) -> Command? {
    // A comment is not split into words: it may contain a single quote.
    guard let start = line.unicodeScalars.first(where: { $0 != " " && $0 != "\t" }), start != "#"
    else { return nil }
    let words = try Self.words(of: line)
    guard let name = words.first else { return nil }
    // Of the forms that do not match, those that match the most words give the best message.
    var (furthest, refusal, expected) = (0, String?.none, [Parameter]())
    for form in try Self.forms(name) {
      var arguments = Arguments()
      var count = 0
      var match = Parameter.Match.fits
      for (parameter, word) in zip(form.parameters, words.dropFirst()) {
        match = parameter.read(word, into: &arguments, allowsNames: allowsNames)
        guard case .fits = match else { break }
        count += 1
      }
      if count == form.parameters.count, count == words.count - 1 { return form.make(arguments) }
      if count > furthest { (furthest, refusal, expected) = (count, nil, []) }
      guard count == furthest else { continue }
      if case .refused(let reason) = match, refusal == nil { refusal = reason }
      expected += form.parameters.dropFirst(furthest).prefix(1)
    }
    if let refusal { throw CommandError(message: "\(name): \(refusal)") }
    let misfit = try Self.misfit(name, expected, words.dropFirst(furthest + 1).first)
    throw CommandError(message: "\(name): \(misfit)")
  }

  private static func forms(_ name: String) throws(CommandError) -> [CommandForm] {
    let forms = CommandForm.all.filter { $0.name == name }
    guard forms.isEmpty else { return forms }
    let synonyms = ["exit": "quit", "bye": "quit", "open": "connect", "close": "disconnect"]
    let meant = synonyms[name] ?? Spelling.nearest(to: name, among: CommandForm.names)
    let hint = meant.map { "did you mean \"\($0)\"?" } ?? "\"help\" lists the commands"
    throw CommandError(message: "unknown command \"\(name.escapedForTerminal)\"; \(hint)")
  }

  private static func misfit(
    _ name: String, _ expected: [Parameter], _ word: String?
  ) throws(CommandError) -> String {
    let quoted = "\"\((word ?? "").escapedForTerminal)\""
    if expected.isEmpty {
      let usage = try forms(name).map(\.usage).joined(separator: " | ")
      return "unexpected \(quoted); usage: \(usage)"
    }
    let names = expected.map(\.expectation).reduce(into: [String]()) { names, name in
      if !names.contains(name) { names.append(name) }
    }
    let message = "expected " + names.joined(separator: " or ")
    guard let word else { return message }
    let words = expected.compactMap { if case .word(let word) = $0 { word } else { nil } }
    let meant = Spelling.nearest(to: word, among: words).map { "; did you mean \"\($0)\"?" }
    return "\(message), not \(quoted)\(meant ?? "")"
  }

  /// Splits a line at blanks; a part in `"…"` may hold blanks, and `\"` and `\\` there.
  package static func words(of line: String) throws(CommandError) -> [String] {
    var words: [String] = []
    var word: String?
    var (isQuoted, isEscaped) = (false, false)
    for scalar in line.unicodeScalars {
      switch scalar {
      case _ where isEscaped:
        word?.unicodeScalars.append(scalar)
        isEscaped = false
      case "\\" where isQuoted: isEscaped = true
      case "\"":
        isQuoted.toggle()
        word = word ?? ""
      case " " where !isQuoted, "\t" where !isQuoted:
        if let word { words.append(word) }
        word = nil
      default: word = String((word ?? "").unicodeScalars + [scalar])
      }
    }
    if isQuoted { throw CommandError(message: "the quote is not closed") }
    return words + [word].compactMap(\.self)
  }

  /// The text as one word of a line, quoted where it must be.
  package static func quoted(_ text: String) -> String {
    let special = " \t\"#".unicodeScalars
    if !text.isEmpty, !text.unicodeScalars.contains(where: special.contains) { return text }
    let escaped = text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }
    return "\"\(escaped.joined())\""
  }

  /// Completions for the end of `line`, the text before the cursor.
  package func completion(of line: String, targets: [String] = []) -> Completion {
    let parts = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let before = parts.dropLast().filter { !$0.isEmpty }
    var candidates = before.isEmpty ? CommandForm.names : []
    for form in CommandForm.all where form.name == before.first {
      var ignored = Arguments()
      let fits = zip(form.parameters, before.dropFirst()).allSatisfy { parameter, word in
        let match = parameter.read(word, into: &ignored, allowsNames: allowsNames)
        return if case .fits = match { true } else { false }
      }
      guard fits, form.parameters.count >= before.count else { continue }
      switch form.parameters[before.count - 1] {
      case .word(let word): candidates.append(word)
      case .command: candidates += CommandForm.names
      case .target: candidates += targets
      default: break
      }
    }
    return Completion(partial: parts.last ?? "", among: candidates)
  }

  /// The lines of `help`, or of `help NAME`.
  static func help(_ name: String?) throws(CommandError) -> [String] {
    guard let name else {
      let width = CommandForm.all.map(\.usage.count).max() ?? 0
      return CommandForm.all.map { form in
        form.usage + String(repeating: " ", count: width - form.usage.count + 2) + form.summary
      }
    }
    return try forms(name).flatMap { form in
      let ranges = form.parameters.compactMap { parameter in
        parameter.range.map { "  \(parameter.name) is \($0)" }
      }
      return ["\(form.usage)  \(form.summary)"] + ranges
        + [form.example.map { "  example: \($0)" }].compactMap(\.self)
    }
  }
}
