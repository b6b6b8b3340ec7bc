extension Character {
  /// The number of columns on a terminal: 0, 1 or 2, or the length of its escape.
  ///
  /// The widths of the scalars of a cluster are added; combining marks have none. An emoji that is made
  /// of several scalars is as wide as its widest. A character that is drawn as an escape is as wide as
  /// the escape.
  package var terminalWidth: Int {
    if isEditorControl { return 2 }
    if isInvisible { return drawn.count }
    let hasPicture = unicodeScalars.first?.properties.isEmoji == true
    var width = 0
    for scalar in unicodeScalars {
      // VARIATION SELECTOR-16 asks for the emoji form of a character that has one.
      if scalar.value == 0xFE0F, width == 1, hasPicture { width = 2 }
      width = hasPicture ? max(width, scalar.terminalWidth) : width + scalar.terminalWidth
    }
    return width
  }

  /// Whether it is drawn as a caret and a letter.
  var isEditorControl: Bool { asciiValue.map { $0 < 0x20 || $0 == 0x7F } ?? false }

  /// Whether a terminal shows nothing for it, but may reorder the text around it.
  private var isInvisible: Bool {
    guard unicodeScalars.count == 1, let scalar = unicodeScalars.first, scalar.value >= 0x80 else {
      return false
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }

  /// What is drawn for it: `^J` for a control, `\u{202e}` for an invisible character.
  var drawn: String {
    if isInvisible, let scalar = unicodeScalars.first {
      return "\\u{\(String(scalar.value, radix: 16))}"
    }
    guard isEditorControl, let code = asciiValue else { return String(self) }
    return "^" + String(UnicodeScalar(code ^ 0x40))
  }

  /// Whether it belongs to a word, for the editor's word moves.
  var isWordPart: Bool { isLetter || isNumber }
}

extension Unicode.Scalar {
  /// The columns of one scalar, by Unicode's East_Asian_Width (UAX #11) and general category.
  fileprivate var terminalWidth: Int {
    if value < 0x300 { return 1 }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch value {
    // The vowels and finals of Hangul join the syllable before them.
    case 0x1160...0x11FF: return 0
    case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF,
      0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F1E6...0x1F1FF,
      0x1F200...0x1F2FF, 0x20000...0x3FFFD:
      return 2
    default: return properties.isEmojiPresentation ? 2 : 1
    }
  }
}
