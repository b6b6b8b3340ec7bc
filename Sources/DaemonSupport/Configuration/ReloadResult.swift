package import TestTaskProgramBasics

/// What came of reading the settings anew: what the operator and the log are told.
package enum ReloadResult: Equatable {
  /// They are in force, but for those of the keys named, which need a restart.
  case reloaded(needingRestart: [String])
  /// All stays as it was.
  case failed(SettingProblems)

  /// A line for standard error; one that is `asIs` already names what it is about.
  package struct Line: Equatable {
    package var level: LogLevel
    package var text: String
    package var isAsIs = false
  }

  package var lines: [Line] {
    switch self {
    case .reloaded(let keys):
      keys.isEmpty
        ? [Line(level: .info, text: "reloaded")]
        : keys.map {
          Line(level: .warning, text: "reloaded; a new \"\($0)\" needs a restart")
        }
    case .failed(let problems):
      problems.lines.map { Line(level: .error, text: $0, isAsIs: true) }
        + [Line(level: .error, text: "not reloaded; the settings stay as they were")]
    }
  }

  package var level: LogLevel { if case .failed = self { .error } else { .info } }

  package func addFields(to line: inout LogText) {
    switch self {
    case .reloaded(let keys):
      line.add("result", "ok")
      if !keys.isEmpty { line.add("needs_restart", keys.joined(separator: ",")) }
    case .failed(let problems):
      line.add("result", "failed")
      line.add("problems", problems.lines.count)
    }
  }
}
