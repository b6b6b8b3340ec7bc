/// All settings of a program as one value; a new one holds the defaults.
package protocol SettingValues: Equatable {
  /// What each setting is called in the ini, and what it accepts, in the order of a dump.
  static var keys: [SettingKey<Self>] { get }

  init()

  /// What is wrong with values that are right by themselves, a line each.
  var contradictions: [String] { get }
}

extension SettingValues {
  package var contradictions: [String] { [] }

  /// The ini's sections, in the order of the keys.
  package static var sections: [String] {
    keys.map(\.section).reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  /// The key of a name in a section, if there is one.
  package static func key(_ name: String, in section: String) -> SettingKey<Self>? {
    keys.first { $0.name == name && $0.section == section }
  }
}
