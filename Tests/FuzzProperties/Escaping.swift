internal import TestTaskProgramBasics

/// What is shown has nothing that steers a terminal or disguises text, and can be undone.
func checkEscaping(_ input: [UInt8]) throws(Finding) {
  let text = String(decoding: input, as: UTF8.self)
  let shown = text.escapedForTerminal
  try require(isSafeToShow(shown), "unsafe to show: \(shown)")
  try require(unescape(shown, braces: true).map { Array($0.utf8) } == Array(text.utf8), shown)
  let json = text.jsonString
  try require(isSafeToShow(json), "unsafe to show: \(json)")
  // By scalars: a mark at the text's beginning makes one character with the quote.
  let scalars = json.unicodeScalars
  try require(scalars.count >= 2 && scalars.first == "\"" && scalars.last == "\"", json)
  let content = String(scalars.dropFirst().dropLast())
  try require(unescape(content, braces: false).map { Array($0.utf8) } == Array(text.utf8), json)
}

/// Whether nothing in the text is a control, a separator of lines or a bidirectional control.
///
/// By the general categories, not by the list that the code under test has: all of Cc, Zl and Zp,
/// and the twelve characters with Bidi_Control (UAX #9).
func isSafeToShow(_ text: String) -> Bool {
  text.unicodeScalars.allSatisfy { scalar in
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: false
    default: !scalar.properties.isBidiControl
    }
  }
}

/// Undoes the escapes; nil when there is one that the reader would not know.
private func unescape(_ text: String, braces: Bool) -> String? {
  var scalars = Array(text.unicodeScalars)[...]
  var result = String.UnicodeScalarView()
  while let scalar = scalars.popFirst() {
    guard scalar == "\\" else {
      // A quote would end the JSON string.
      if !braces, scalar == "\"" { return nil }
      result.append(scalar)
      continue
    }
    switch scalars.popFirst() {
    case "\\": result.append("\\")
    case "\"" where !braces: result.append("\"")
    case "n": result.append("\n")
    case "r" where braces: result.append("\r")
    case "t" where braces: result.append("\t")
    case "u":
      if braces, scalars.popFirst() != "{" { return nil }
      let digits = braces ? scalars.prefix { $0 != "}" } : scalars.prefix(4)
      scalars = scalars.dropFirst(digits.count + (braces ? 1 : 0))
      guard braces || digits.count == 4,
        let value = UInt32(String(String.UnicodeScalarView(digits)), radix: 16),
        let scalar = Unicode.Scalar(value)
      else { return nil }
      result.append(scalar)
    default: return nil
    }
  }
  return String(result)
}
