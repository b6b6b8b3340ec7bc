internal import TestTaskDaemonSupport
internal import TestTaskServerCore

extension Operation {
  /// A line of a wrong file, past the problems that are told: a megabyte may have 350 000 of them,
  /// and the server stands still until it has read them.
  static let settings = [
    wrong("unknown key", "prt=1\n"),
    wrong("no value", "port=\n"),
    wrong("stray text", "x\n"),
    wrong("unknown section", "[y]\n"),
  ]

  private static func wrong(_ name: String, _ line: String) -> Operation {
    Operation(name: "settings/wrong line: \(name)") {
      let begin = Array("[server]\n".utf8)
      let lines = Array(String(repeating: line, count: 10_000).utf8)
      return { count in
        let text = begin + lines.prefix((count + 200) * line.utf8.count)
        var settings = Settings<Configuration>()
        do throws(SettingProblems) {
          try settings.apply(ini: text, path: "s.ini")
          preconditionFailure("a wrong file is taken")
        } catch {
          return error.lines.count
        }
      }
    }
  }
}
