/// What is wrong with settings, one line a problem, ready to print: `path:line:column: error: …`.
package struct SettingProblems: Error, Equatable {
  package var lines: [String]

  package init(lines: [String]) { self.lines = lines }
}
