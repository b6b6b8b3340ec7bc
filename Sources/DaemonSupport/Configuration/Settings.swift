import TestTaskProgramBasics

/// The settings in force, each with its origin: flags override the ini, the ini overrides the defaults.
package struct Settings<Values: SettingValues>: Equatable {
  package private(set) var values = Values()
  private var origins: [String: SettingOrigin] = [:]

  /// Every setting at its default.
  package init() {}

  /// Applies a whole file, or changes nothing.
  ///
  /// - Parameters:
  ///   - bytes: The file's content.
  ///   - path: What the file is called in messages and origins.
  /// - Throws: What is wrong with it: the first hundred problems, and how many more there are.
  package mutating func apply(ini bytes: [UInt8], path: String) throws(SettingProblems) {
    var taken = self
    let text = INIText(parsing: bytes)
    var problems = ProblemList()
    // A wrong file may have very many lines, of keys or of sections: strings are made only of values
    // and for messages.
    let namesOfSections = Self.namesOfSections
    var section: UInt32?
    var names: [KeyName] = []
    var lineOfKey = [Int?](repeating: nil, count: Values.keys.count)
    for line in text.entryLines {
      if line.section != section {
        section = line.section
        names = namesOfSections[text.sections[Int(line.section)].name] ?? []
      }
      guard !names.isEmpty else { continue }
      guard
        let place = names.first(where: { text.bytes(of: line.key).elementsEqual($0.bytes) })?.place
      else {
        problems.add(text.entry(line).keyPlace, Self.unknown(text.entry(line)))
        continue
      }
      let key = Values.keys[place]
      if let first = lineOfKey[place] {
        problems.add(
          text.entry(line).keyPlace, "\"\(key.name)\" is given twice, first on line \(first)")
      }
      if !key.write(&taken.values, text.value(line)) {
        problems.add(text.entry(line).valuePlace, Self.refused(text.entry(line), by: key))
      } else if lineOfKey[place] == nil {
        taken.origins[key.id] = .file(path, line: Int(line.number))
      }
      lineOfKey[place] = lineOfKey[place] ?? Int(line.number)
    }
    problems.merge(Self.problems(ofSectionsIn: text))
    problems.merge(text.problemList)
    guard problems.count == 0 else { throw SettingProblems(problems, path: path) }
    self = taken
  }

  /// Applies a flag's value; throws what the flag accepts, for a usage message.
  package mutating func apply(
    flag: String, _ name: String, in section: String, _ value: String
  ) throws(SettingProblems) {
    guard let key = Values.key(name, in: section) else { return }
    var taken = values
    guard key.write(&taken, value) else {
      throw SettingProblems(lines: ["\(flag) is \"\(value.shown)\"; it accepts \(key.accepts)"])
    }
    guard INIText.written(value) != nil else {
      throw SettingProblems(lines: [
        "\(flag) is \"\(value.shown)\"; it accepts only what an ini can hold: no control "
          + "characters, and a quote only where no quotes are needed"
      ])
    }
    values = taken
    origins[key.id] = .flag(flag)
  }

  /// Lowers a number to what the machine allows.
  ///
  /// - Returns: The number asked for, if it had to be lowered.
  package mutating func lower(
    _ name: String, in section: String, _ path: WritableKeyPath<Values, Int>, to most: Int,
    because reason: String
  ) -> Int? {
    let asked = values[keyPath: path]
    guard asked > most, let key = Values.key(name, in: section) else { return nil }
    values[keyPath: path] = most
    origins[key.id] = .lowered("lowered to \(reason) from \(asked), \(origin(of: key))")
    return asked
  }

  package func origin(of key: SettingKey<Values>) -> SettingOrigin {
    origins[key.id, default: .preset]
  }

  /// Every value with its origin, as an ini that reads back to the same settings.
  package var dump: String {
    Values.sections.map { section in
      let lines = Values.keys.filter { $0.section == section }.map { key in
        // A value that no ini can hold was refused when it was set.
        "\(key.name) =\(INIText.written(key.read(values)) ?? "")  # \(origin(of: key))\n"
      }
      return "[\(section)]\n" + lines.joined()
    }.joined(separator: "\n")
  }

  /// The keys whose values differ and take effect only after a restart.
  package func needingRestart(from old: Settings) -> [String] {
    Values.keys.filter { key in
      key.effect == .onRestart && key.read(values) != key.read(old.values)
    }.map(\.name)
  }

  /// These settings with every value that needs a restart kept from the running ones.
  package func reloaded(over running: Settings) -> Settings {
    var result = self
    for key in Values.keys where key.effect == .onRestart {
      _ = key.write(&result.values, key.read(running.values))
      result.origins[key.id] = running.origins[key.id]
    }
    return result
  }

  /// What a key is called, and its place in the list of all.
  private typealias KeyName = (bytes: [UInt8], place: Int)

  private static var namesOfSections: [String: [KeyName]] {
    var names: [String: [KeyName]] = [:]
    for (place, key) in Values.keys.enumerated() {
      names[key.section, default: []].append((Array(key.name.utf8), place))
    }
    return names
  }

  private static func problems(ofSectionsIn text: INIText) -> ProblemList {
    var problems = ProblemList()
    let known = Values.sections
    var lines: [String: Int] = [:]
    for section in text.sections {
      if !known.contains(section.name) {
        problems.add(
          section.place,
          "unknown section [\(section.name.shown)]"
            + suggestion(for: section.name, among: known) { "[\($0)]" })
      } else if let line = lines.updateValue(section.place.line, forKey: section.name) {
        problems.add(section.place, "[\(section.name)] is given twice, first on line \(line)")
      }
    }
    return problems
  }

  private static func unknown(_ entry: INIText.Entry) -> String {
    let what = "unknown key \"\(entry.key.shown)\" in [\(entry.section)]"
    if let elsewhere = Values.keys.first(where: { $0.name == entry.key }) {
      return "\(what); it belongs to [\(elsewhere.section)]"
    }
    let siblings = Values.keys.filter { $0.section == entry.section }.map(\.name)
    return what + suggestion(for: entry.key, among: siblings) { "\"\($0)\"" }
  }

  private static func refused(_ entry: INIText.Entry, by key: SettingKey<Values>) -> String {
    let found = entry.value.isEmpty ? "has no value" : "is \"\(entry.value.shown)\""
    return "\"\(key.name)\" \(found); it accepts \(key.accepts)"
  }

  private static func suggestion(
    for word: String, among names: [String], show: (String) -> String
  ) -> String {
    Spelling.nearest(to: word, among: names).map { "; did you mean \(show($0))?" } ?? ""
  }
}
