import Testing

@testable import TestTaskDaemonSupport

@Suite struct SettingsTests {
  private typealias Sample = Settings<SampleValues>

  private func problems(in text: String, path: String = "s.ini") -> [String] {
    var settings = Sample()
    do {
      try settings.apply(ini: Array(text.utf8), path: path)
    } catch {
      #expect(settings == Sample(), "nothing of a bad file is taken over")
      return error.lines
    }
    return []
  }

  @Test func `flags beat the file and the file beats the defaults`() throws {
    var settings = Sample()
    try settings.apply(ini: Array("[server]\nport = 1\nbacklog = 7\n".utf8), path: "s.ini")
    try settings.apply(flag: "--port", "port", in: "server", "2")
    #expect(settings.values.port == 2)
    #expect(settings.values.backlog == 7)
    #expect(settings.values.file == "sample.log")
    let lines = settings.dump.split(separator: "\n")
    #expect(lines.contains("port = 2  # --port"))
    #expect(lines.contains("backlog = 7  # s.ini:3"))
    #expect(lines.contains("file = sample.log  # default"))
  }

  @Test(arguments: ["a b#c", "a\"b", "#x", "plain", " ", ";", "a # b", "größe"])
  func `what is dumped reads back to the same settings`(file: String) throws {
    var settings = Sample()
    try settings.apply(ini: Array("[log]\ncolor = green\n[server]\nhalf_close=on".utf8), path: "s")
    try settings.apply(flag: "--file", "file", in: "log", file)
    var again = Sample()
    try again.apply(ini: Array(settings.dump.utf8), path: "dump")
    #expect(again.values == settings.values)
    #expect(again.values.file == file)
  }

  @Test(arguments: ["a\" #b", "\"", "a\nb", "\u{1B}[2J"])
  func `a flag that no ini can hold is refused with the reason`(file: String) {
    var settings = Sample()
    #expect {
      try settings.apply(flag: "--file", "file", in: "log", file)
    } throws: {
      let line = ($0 as? SettingProblems)?.lines.first ?? ""
      return line.hasPrefix("--file is ") && line.contains("only what an ini can hold")
        && line.utf8.allSatisfy { $0 >= 0x20 }
    }
    #expect(settings == Sample())
  }

  @Test func `a path that could steer a terminal or forge a line is escaped`() throws {
    var settings = Sample()
    try settings.apply(ini: Array("[server]\nport = 1".utf8), path: "a\nb")
    #expect(settings.dump.contains("port = 1  # a\\nb:2\n"))
    #expect(problems(in: "stray", path: "a\nb")[0].hasPrefix("a\\nb:1:1: error: "))
    #expect(
      problems(in: "[server]\nx\u{9B} = 1") == [
        "s.ini:2:1: error: unknown key \"x\\u{9b}\" in [server]"
      ])
  }

  @Test func `a mistyped key is named with its place and the likely one`() {
    #expect(
      problems(in: "[server]\nprot = 1") == [
        "s.ini:2:1: error: unknown key \"prot\" in [server]; did you mean \"port\"?"
      ])
    #expect(
      problems(in: "[server]\nPort = 1") == [
        "s.ini:2:1: error: unknown key \"Port\" in [server]; did you mean \"port\"?"
      ])
    #expect(
      problems(in: "[limit]\nx = 1") == [
        "s.ini:1:1: error: unknown section [limit]; did you mean [limits]?"
      ])
    #expect(
      problems(in: "[log]\nport = 1") == [
        "s.ini:2:1: error: unknown key \"port\" in [log]; it belongs to [server]"
      ])
    #expect(
      problems(in: "[log]\nzebra = 1") == ["s.ini:2:1: error: unknown key \"zebra\" in [log]"])
  }

  @Test func `all problems are reported, in the order of the file`() {
    let found = problems(
      in: """
        [server]
        port = 70000
        port = 80
        port = 81
        stray
        [server]
        half_close = maybe
        [log]
        color =
        """)
    #expect(
      found == [
        "s.ini:2:8: error: \"port\" is \"70000\"; it accepts 0 to 65535",
        "s.ini:3:1: error: \"port\" is given twice, first on line 2",
        "s.ini:4:1: error: \"port\" is given twice, first on line 2",
        "s.ini:5:1: error: neither \"[section]\" nor \"key = value\"",
        "s.ini:6:1: error: [server] is given twice, first on line 1",
        "s.ini:7:14: error: \"half_close\" is \"maybe\"; it accepts yes or no",
        "s.ini:9:8: error: \"color\" has no value; it accepts red, green",
      ])
  }

  @Test func `of very many problems the first hundred are told, and the number of the rest`() {
    let lines = problems(
      in: "[server]\n" + String(repeating: "prt=1\nport=70000\nx\n[y]\n[server]\n", count: 50))
    #expect(lines.count == 101)
    // Whatever kind of problem it is, they come in their order; the key after [y] is nobody's.
    #expect(lines[0] == "s.ini:2:1: error: unknown key \"prt\" in [server]; did you mean \"port\"?")
    #expect(lines[1].hasPrefix("s.ini:3:6: error: \"port\" is \"70000\""))
    #expect(lines[2].hasPrefix("s.ini:4:1: error: neither"))
    #expect(lines[3] == "s.ini:5:1: error: unknown section [y]")
    #expect(lines[4] == "s.ini:6:1: error: [server] is given twice, first on line 1")
    let places = lines.dropLast().compactMap {
      $0.split(separator: ":").dropFirst().first.flatMap { Int($0) }
    }
    #expect(places == places.sorted() && places.count == 100)
    // Of 50 rounds: an unknown key, twice a bad port (but the first), the stray text, two sections.
    #expect(lines[100] == "s.ini: error: \(50 * 5 + 49 - 100) more problems")
  }

  @Test func `of problems that are only counted neither place nor message is made`() {
    var problems = ProblemList()
    var places = 0
    var messages = 0
    func place() -> INIText.Place {
      places += 1
      return INIText.Place(line: places, column: 1)
    }
    func message() -> String {
      messages += 1
      return "wrong"
    }
    for _ in 0..<1_000 { problems.add(place(), message()) }
    #expect(problems.count == 1_000)
    #expect(places == ProblemList.most && messages == ProblemList.most)
  }

  @Test func `a problem shows no more than the beginning of a long text`() {
    let long = String(repeating: "x", count: 100_000)
    for text in ["[server]\n\(long) = 1", "[\(long)]", "\(long) = 1", "[server]\nport = \(long)"] {
      let lines = problems(in: text)
      #expect(lines.count == 1 && lines[0].utf8.count < 200, "\(lines)")
    }
  }

  @Test(arguments: ["-1", "+1", "0x10", "1.5", "99999999999999999999", "٣", "1 2"])
  func `a number is written in decimal digits and nothing else`(value: String) {
    #expect(problems(in: "[server]\nbacklog = \(value)").count == 1)
  }

  @Test(arguments: [
    ("yes", true), ("true", true), ("on", true), ("1", true),
    ("no", false), ("false", false), ("off", false), ("0", false),
  ])
  func `booleans have four spellings each`(word: String, value: Bool) throws {
    var settings = Sample()
    try settings.apply(ini: Array("[server]\nhalf_close = \(word)".utf8), path: "s.ini")
    #expect(settings.values.halfClose == value)
  }

  @Test func `a flag out of range tells the range`() {
    var settings = Sample()
    #expect(
      throws: SettingProblems(lines: ["--port is \"65536\"; it accepts 0 to 65535"])
    ) { try settings.apply(flag: "--port", "port", in: "server", "65536") }
    #expect(settings == Sample())
  }

  @Test func `a number is lowered to what the machine allows, and says so`() {
    var settings = Sample()
    let lower: (inout Sample, Int) -> Int? = {
      $0.lower("max_connections", in: "limits", \.maxConnections, to: $1, because: "the hardware")
    }
    #expect(lower(&settings, 20_000) == nil)
    #expect(lower(&settings, 100) == 10_000)
    #expect(settings.values.maxConnections == 100)
    #expect(
      settings.dump.contains("max_connections = 100  # lowered to the hardware from 10000, default")
    )
  }

  @Test func `reloading takes what can change and keeps what needs a restart`() throws {
    var running = Sample()
    try running.apply(flag: "--port", "port", in: "server", "1")
    var read = Sample()
    try read.apply(
      ini: Array(
        """
        [server]
        port = 2
        half_close = yes
        [log]
        color = green
        [limits]
        max_connections = 5
        """.utf8), path: "s.ini")
    #expect(read.needingRestart(from: running) == ["port", "half_close"])
    let reloaded = read.reloaded(over: running)
    #expect(reloaded.values.port == 1)
    #expect(!reloaded.values.halfClose)
    #expect(reloaded.values.color == .green)
    #expect(reloaded.values.maxConnections == 5)
    #expect(reloaded.dump.contains("port = 1  # --port"))
  }
}
