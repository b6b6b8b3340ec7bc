/// One setting of an ini: its section, its key, the values that it accepts, and how to set it.
///
/// A program lists its settings once, in ``SettingValues/keys``; the ini, the flags, dumps and reloading
/// use that list.
package struct SettingKey<Values>: Sendable {
  /// When a changed value takes effect in a running program.
  package enum Effect: Sendable {
    case onReload
    case onRestart
  }

  package let section: String
  package let name: String
  /// The values that are accepted, in words: `0 to 65535`.
  package let accepts: String
  package let effect: Effect
  /// The value as the ini would have it, unquoted.
  package let read: @Sendable (Values) -> String
  /// Sets the value; false if it is not accepted.
  package let write: @Sendable (inout Values, String) -> Bool

  var id: String { "\(section).\(name)" }

  /// A whole number in decimal digits.
  package static func integer(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Values, Int> & Sendable,
    _ range: ClosedRange<Int>, _ effect: Effect
  ) -> SettingKey {
    SettingKey(
      section: section, name: name, accepts: "\(range.lowerBound) to \(range.upperBound)",
      effect: effect,
      read: { String($0[keyPath: path]) },
      write: { values, text in
        // Int's own parser would accept a sign too.
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
          let number = Int(text), range.contains(number)
        else { return false }
        values[keyPath: path] = number
        return true
      })
  }

  /// A whole number in decimal digits, or `none`.
  package static func integerOrNone(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Values, Int?> & Sendable,
    _ range: ClosedRange<Int>, _ effect: Effect
  ) -> SettingKey {
    SettingKey(
      section: section, name: name,
      accepts: "\(range.lowerBound) to \(range.upperBound), or none", effect: effect,
      read: { $0[keyPath: path].map { String($0) } ?? "none" },
      write: { values, text in
        let number = Int(text)
        guard
          text == "none"
            || text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
              && number.map(range.contains) == true
        else { return false }
        values[keyPath: path] = number
        return true
      })
  }

  /// The permissions of a file in octal digits, `0000` to `0777`.
  package static func permissions(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Values, UInt32> & Sendable,
    _ effect: Effect
  ) -> SettingKey {
    SettingKey(
      section: section, name: name, accepts: "0000 to 0777, in octal digits", effect: effect,
      read: {
        let digits = String($0[keyPath: path], radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
      },
      write: { values, text in
        guard (3...4).contains(text.utf8.count),
          text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "7") ~= $0 }),
          let mode = UInt32(text, radix: 8), mode <= 0o777
        else { return false }
        values[keyPath: path] = mode
        return true
      })
  }

  /// Yes or no, in four spellings each.
  package static func boolean(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Values, Bool> & Sendable,
    _ effect: Effect
  ) -> SettingKey {
    SettingKey(
      section: section, name: name, accepts: "yes or no", effect: effect,
      read: { $0[keyPath: path] ? "yes" : "no" },
      write: { values, text in
        switch text {
        case "yes", "true", "on", "1": values[keyPath: path] = true
        case "no", "false", "off", "0": values[keyPath: path] = false
        default: return false
        }
        return true
      })
  }

  /// Any text that is not empty; `accepts` describes it.
  package static func text(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Values, String> & Sendable,
    _ accepts: String, _ effect: Effect
  ) -> SettingKey {
    SettingKey(
      section: section, name: name, accepts: accepts, effect: effect,
      read: { $0[keyPath: path] },
      write: { values, text in
        values[keyPath: path] = text
        return !text.isEmpty
      })
  }

  /// Addresses, networks and `unix`, with blanks between them.
  package static func networks(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Values, NetworkList> & Sendable,
    _ effect: Effect
  ) -> SettingKey {
    SettingKey(
      section: section, name: name,
      accepts: "addresses and networks, separated by blanks, and unix", effect: effect,
      read: { $0[keyPath: path].description },
      write: { values, text in
        guard let list = NetworkList(text) else { return false }
        values[keyPath: path] = list
        return true
      })
  }

  /// One of several words.
  package static func choice<Choice>(
    _ section: String, _ name: String, _ path: any WritableKeyPath<Values, Choice> & Sendable,
    _ effect: Effect
  ) -> SettingKey where Choice: RawRepresentable<String> & CaseIterable & SendableMetatype {
    SettingKey(
      section: section, name: name,
      accepts: Choice.allCases.map(\.rawValue).joined(separator: ", "), effect: effect,
      read: { $0[keyPath: path].rawValue },
      write: { values, text in
        guard let choice = Choice(rawValue: text) else { return false }
        values[keyPath: path] = choice
        return true
      })
  }
}
