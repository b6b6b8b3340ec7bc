import Testing

@testable import Server

@Suite struct ConfigurationSourceTests {
  private func problems(in text: String) -> [String] {
    var source = ConfigurationSource()
    do {
      try source.apply(ini: Array(text.utf8), path: "s.ini")
    } catch {
      #expect(source == ConfigurationSource(), "nothing of a bad file is taken over")
      return error.lines
    }
    return []
  }

  @Test func `every key has a default that its own table row accepts`() {
    var source = ConfigurationSource()
    let text = ConfigurationKey.sections.map { section in
      "[\(section)]\n"
        + ConfigurationKey.table.filter { $0.section == section }
        .map { "\($0.name) = \($0.read(Configuration()))\n" }.joined()
    }.joined()
    #expect(throws: Never.self) { try source.apply(ini: Array(text.utf8), path: "s.ini") }
    #expect(source.values == Configuration())
  }

  @Test func `flags beat the file and the file beats the defaults`() throws {
    var source = ConfigurationSource()
    try source.apply(ini: Array("[server]\nport = 1\nbacklog = 7\n".utf8), path: "s.ini")
    try source.apply(flag: "--port", "port", in: "server", "2")
    #expect(source.values.port == 2)
    #expect(source.values.backlog == 7)
    #expect(source.values.address == "127.0.0.1")
    let lines = source.dump.split(separator: "\n")
    #expect(lines.contains("port = 2  # --port"))
    #expect(lines.contains("backlog = 7  # s.ini:3"))
    #expect(lines.contains("address = 127.0.0.1  # default"))
  }

  @Test func `what is dumped reads back to the same settings`() throws {
    var source = ConfigurationSource()
    try source.apply(
      ini: Array("[log]\nfile = \"a b#c\"\nformat = json\n[server]\nhalf_close=on".utf8),
      path: "s.ini")
    var again = ConfigurationSource()
    try again.apply(ini: Array(source.dump.utf8), path: "dump")
    #expect(again.values == source.values)
    #expect(again.values.logFile == "a b#c")
    #expect(again.values.halfClose)
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
        stray
        [server]
        half_close = maybe
        [log]
        level =
        """)
    #expect(
      found == [
        "s.ini:2:8: error: \"port\" is \"70000\"; it accepts 0 to 65535",
        "s.ini:3:1: error: \"port\" is given twice, first on line 2",
        "s.ini:4:1: error: neither \"[section]\" nor \"key = value\"",
        "s.ini:5:1: error: [server] is given twice, first on line 1",
        "s.ini:6:14: error: \"half_close\" is \"maybe\"; it accepts yes or no",
        "s.ini:8:8: error: \"level\" has no value; it accepts error, warning, info, debug",
      ])
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
    var source = ConfigurationSource()
    try source.apply(ini: Array("[server]\nhalf_close = \(word)".utf8), path: "s.ini")
    #expect(source.values.halfClose == value)
  }

  @Test func `a flag out of range tells the range`() {
    var source = ConfigurationSource()
    #expect(
      throws: ConfigurationSource.Problems(lines: [
        "--port is \"65536\"; it accepts 0 to 65535"
      ])
    ) { try source.apply(flag: "--port", "port", in: "server", "65536") }
  }

  @Test func `connections are lowered to the descriptors and say so`() {
    var source = ConfigurationSource()
    #expect(source.lowerConnections(to: 20_000) == nil)
    #expect(source.lowerConnections(to: 100) == 10_000)
    #expect(source.values.maxConnections == 100)
    #expect(
      source.dump.contains(
        "max_connections = 100  # lowered to the descriptor limit from 10000, default"))
  }

  @Test func `reloading takes limits and level and keeps what needs a restart`() throws {
    var running = ConfigurationSource()
    try running.apply(flag: "--port", "port", in: "server", "1")
    var read = ConfigurationSource()
    try read.apply(
      ini: Array(
        """
        [server]
        port = 2
        [log]
        level = debug
        format = json
        [limits]
        max_connections = 5
        """.utf8), path: "s.ini")
    #expect(read.needingRestart(from: running) == ["port", "format"])
    let reloaded = read.reloaded(over: running)
    #expect(reloaded.values.port == 1)
    #expect(reloaded.values.logFormat == .logfmt)
    #expect(reloaded.values.logLevel == .debug)
    #expect(reloaded.values.maxConnections == 5)
  }

  @Test func `the pause mark is a sixteenth of the write buffer`() {
    #expect(Configuration().pauseMarkBytes == 65_536)
  }
}
