import TestTaskProgramBasics

/// Who set a value.
package enum SettingOrigin: Equatable, CustomStringConvertible {
  case preset
  case file(String, line: Int)
  case flag(String)
  /// Lowered to what the machine allows; the text has the configured value and the reason.
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
