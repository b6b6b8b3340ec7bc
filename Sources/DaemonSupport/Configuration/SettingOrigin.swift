import TestTaskProgramBasics

/// Who set a value.
package enum SettingOrigin: Equatable, CustomStringConvertible {
  case preset
  case file(String, line: Int)
  case flag(String)
  /// The machine allows no more; the text says what was asked and what stands against it.
  case lowered(String)

  package var description: String {
    switch self {
    case .preset: "default"
    case .file(let path, let line): "\(path.escapedForTerminal):\(line)"
    case .flag(let name): name
    case .lowered(let why): why
    }
  }
}
