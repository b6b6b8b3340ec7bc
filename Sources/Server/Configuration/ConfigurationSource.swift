import ProgramSupport

/// The settings in force, each with its origin: flags beat the ini, the ini beats the defaults.
struct ConfigurationSource: Equatable {
  /// Who set a value.
  enum Origin: Equatable, CustomStringConvertible {
    case preset
    case file(String, line: Int)
    case flag(String)
    /// The machine allows no more; the text says what was asked and what stands against it.
    case lowered(String)

    var description: String {
      switch self {
      case .preset: "default"
      case .file(let path, let line): "\(path):\(line)"
      case .flag(let name): name
      case .lowered(let why): why
      }
    }
  }

  /// What is wrong with a file, one line a problem, ready to print: `path:line:column: error: …`.
  struct Problems: Error, Equatable {
    var lines: [String]
  }

  private(set) var values = Configuration()
  private var origins: [String: Origin] = [:]

  /// Takes a whole file over, or throws everything that is wrong with it.
  mutating func apply(ini bytes: [UInt8], path: String) throws(Problems) {
    var taken = self
    let text = INIText(parsing: bytes)
    var problems = text.problems
    var lineOfSection: [String: Int] = [:]
    for section in text.sections {
      if !ConfigurationKey.sections.contains(section.name) {
        let hint = Self.suggestion(for: section.name, among: ConfigurationKey.sections) {
          "[\($0)]"
        }
        problems.append(
          .init(place: section.place, message: "unknown section [\(section.name)]\(hint)"))
      } else if let line = lineOfSection.updateValue(section.place.line, forKey: section.name) {
        problems.append(
          .init(
            place: section.place,
            message: "[\(section.name)] is given twice, first on line \(line)"))
      }
    }
    var lineOfKey: [String: Int] = [:]
    for entry in text.entries where ConfigurationKey.sections.contains(entry.section) {
      guard let key = ConfigurationKey.named(entry.key, in: entry.section) else {
        problems.append(.init(place: entry.keyPlace, message: Self.unknown(entry)))
        continue
      }
      if let line = lineOfKey.updateValue(entry.keyPlace.line, forKey: key.id) {
        problems.append(
          .init(
            place: entry.keyPlace,
            message: "\"\(key.name)\" is given twice, first on line \(line)"))
      }
      if key.write(&taken.values, entry.value) {
        taken.origins[key.id] = .file(path, line: entry.keyPlace.line)
      } else {
        let found = entry.value.isEmpty ? "has no value" : "is \"\(entry.value)\""
        problems.append(
          .init(
            place: entry.valuePlace,
            message: "\"\(key.name)\" \(found); it accepts \(key.accepts)"))
      }
    }
    guard problems.isEmpty else {
      problems.sort { ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column) }
      throw Problems(
        lines: problems.map {
          "\(path):\($0.place.line):\($0.place.column): error: \($0.message)"
        })
    }
    self = taken
  }

  /// Takes a flag's value over; the error is the range, for a usage message.
  mutating func apply(flag: String, _ name: String, in section: String, _ value: String)
    throws(Problems)
  {
    guard let key = ConfigurationKey.named(name, in: section) else { return }
    guard key.write(&values, value) else {
      throw Problems(lines: ["\(flag) is \"\(value)\"; it accepts \(key.accepts)"])
    }
    origins[key.id] = .flag(flag)
  }

  /// Lowers the limit of connections to what the process has descriptors for.
  ///
  /// - Returns: the number asked for, if it had to be lowered.
  mutating func lowerConnections(to most: Int) -> Int? {
    let asked = values.maxConnections
    guard asked > most else { return nil }
    values.maxConnections = max(1, most)
    let id = "limits.max_connections"
    origins[id] = .lowered(
      "lowered to the descriptor limit from \(asked), \(origins[id, default: .preset])")
    return asked
  }

  func origin(of key: ConfigurationKey) -> Origin { origins[key.id, default: .preset] }

  /// Every value with its origin, as an ini that reads back to the same settings.
  var dump: String {
    ConfigurationKey.sections.map { section in
      let lines = ConfigurationKey.table.filter { $0.section == section }.map { key in
        "\(key.name) =\(Self.written(key.read(values)))  # \(origin(of: key))\n"
      }
      return "[\(section)]\n" + lines.joined()
    }.joined(separator: "\n")
  }

  /// The keys whose values differ and count only after a restart.
  func needingRestart(from old: ConfigurationSource) -> [String] {
    ConfigurationKey.table.filter { key in
      key.effect == .onRestart && key.read(values) != key.read(old.values)
    }.map(\.name)
  }

  /// These settings with every value that needs a restart kept from the running ones.
  func reloaded(over running: ConfigurationSource) -> ConfigurationSource {
    var result = self
    for key in ConfigurationKey.table where key.effect == .onRestart {
      _ = key.write(&result.values, key.read(running.values))
      result.origins[key.id] = running.origins[key.id]
    }
    return result
  }

  private static func unknown(_ entry: INIText.Entry) -> String {
    let siblings = ConfigurationKey.table.filter { $0.section == entry.section }.map(\.name)
    if let elsewhere = ConfigurationKey.table.first(where: { $0.name == entry.key }) {
      return "unknown key \"\(entry.key)\" in [\(entry.section)]; it belongs to "
        + "[\(elsewhere.section)]"
    }
    let hint = suggestion(for: entry.key, among: siblings) { "\"\($0)\"" }
    return "unknown key \"\(entry.key)\" in [\(entry.section)]\(hint)"
  }

  private static func suggestion(
    for word: String, among names: [String], show: (String) -> String
  ) -> String {
    Spelling.nearest(to: word, among: names).map { "; did you mean \(show($0))?" } ?? ""
  }

  /// A value as it stands behind `=`.
  private static func written(_ value: String) -> String {
    // Quotes cannot hold a quote. A value with one was read without quotes, and with nothing in
    // front that could begin a comment.
    if value.utf8.contains(UInt8(ascii: "\"")) { return value }
    let isSpecial = value.utf8.contains { [UInt8](" \t#;".utf8).contains($0) }
    return isSpecial ? " \"\(value)\"" : " \(value)"
  }
}

extension ConfigurationKey {
  fileprivate var id: String { "\(section).\(name)" }
}
