import TestTaskProgramBasics

/// Combines the settings from the file and the flags of one command line, again at each reload.
package struct SettingsLoader<Values: SettingValues> {
  /// A value given by a flag, in the ini's terms.
  package struct Flag {
    let name: String
    let section: String
    let key: String
    let value: String
  }

  package var path: String?
  package private(set) var flags: [Flag] = []

  package init(path: String?) { self.path = path }

  /// Remembers a flag, if it was given; the last of two counts.
  package mutating func add(flag: String, _ key: String, in section: String, _ value: String?) {
    guard let value else { return }
    flags.append(Flag(name: flag, section: section, key: key, value: value))
  }

  /// Reads the file again, and applies the flags over it.
  package func load() throws(SettingProblems) -> Settings<Values> {
    var settings = Settings<Values>()
    if let path { try settings.apply(ini: Self.contents(of: path), path: path) }
    for flag in flags {
      try settings.apply(flag: flag.name, flag.key, in: flag.section, flag.value)
    }
    let contradictions = settings.values.contradictions
    guard contradictions.isEmpty else {
      let name = path?.escapedForTerminal ?? "settings"
      throw SettingProblems(lines: contradictions.map { "\(name): error: \($0)" })
    }
    return settings
  }

  /// The largest file that is read: far more than all settings and comments need.
  private static var maximumByteCount: Int { 1 << 20 }
  /// Milliseconds within which a pipe has to end, such as that of a command; a reload blocks as long.
  private static var pipePatience: Int64 { 1_000 }

  private static func contents(of path: String) throws(SettingProblems) -> [UInt8] {
    do throws(Descriptor.Failure) {
      return try Descriptor.readFileOrPipe(
        path, limit: maximumByteCount, patience: pipePatience)
    } catch {
      throw SettingProblems(lines: [
        "\(path.escapedForTerminal): error: cannot be read: \(error.message)"
      ])
    }
  }
}
