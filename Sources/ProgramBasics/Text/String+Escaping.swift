extension Unicode.Scalar {
  /// Whether showing it unescaped could control the terminal or disguise the text around it.
  ///
  /// C0, DEL and C1 controls, line and paragraph separators, and bidirectional controls.
  fileprivate var isUnsafeToShow: Bool {
    switch value {
    case 0...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

extension Unicode.Scalar {
  /// Whether it is invisible, or looks like a space without being one.
  ///
  /// If a message showed it unescaped, the word in the message would look right although it is wrong.
  fileprivate var isInvisible: Bool {
    // Unicode's tables are slow to ask, and begin above ASCII.
    guard !isASCII else { return false }
    switch properties.generalCategory {
    case .format, .spaceSeparator: return self != " "
    default: break
    }
    // Characters that Unicode says to ignore by default, such as Hangul's fillers, and the Braille
    // pattern without dots.
    return properties.isDefaultIgnorableCodePoint && !properties.isVariationSelector
      || value == 0x2800
  }
}

extension String {
  /// The text with everything unsafe or invisible written as an escape, and the backslash doubled.
  public var escapedForTerminal: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.isUnsafeToShow || scalar.isInvisible:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The text as a JSON string with its quotes, in which everything unsafe is escaped.
  public var jsonString: String {
    var result = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\\", "\"": result += "\\" + String(scalar)
      case "\n": result += "\\n"
      case _ where scalar.isUnsafeToShow:
        // All of them are in the first plane: four digits are enough.
        result += "\\u" + String(scalar.value + 0x10000, radix: 16).dropFirst()
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
