import TestTaskProgramBasics

/// What is wrong with settings, one line a problem, ready to print: `path:line:column: error: …`.
package struct SettingProblems: Error, Equatable {
  package var lines: [String]

  package init(lines: [String]) { self.lines = lines }

  init(_ problems: ProblemList, path: String) {
    let name = path.escapedForTerminal
    lines = problems.first.map {
      "\(name):\($0.place.line):\($0.place.column): error: \($0.message)"
    }
    let more = problems.count - problems.first.count
    if more > 0 { lines.append("\(name): error: \(more) more problems") }
  }
}
