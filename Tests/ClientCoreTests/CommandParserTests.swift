import TestTaskTerminalSupport
import Testing

@testable import TestTaskClientCore

@Suite struct CommandParserTests {
  private let parser = CommandParser(allowsNames: false)

  private func refusal(_ line: String) -> String? {
    do {
      _ = try parser.parse(line)
      return nil
    } catch {
      return error.message
    }
  }

  @Test(
    "every command of the language is read",
    arguments: [
      ("disconnect", Command.disconnect), ("fast", .request(.fast)),
      ("  fast\t ", .request(.fast)), ("slow 0", .request(.slow(seconds: 0))),
      ("slow 4294967295", .request(.slow(seconds: .max))), ("every", .showEvery),
      ("every 10 fast", .every(.milliseconds(10), .fast)),
      ("every 1000 slow 2", .every(.seconds(1), .slow(seconds: 2))), ("stop", .stop),
      ("connect", .connect(nil)), ("reconnect 1", .reconnect(.seconds(1))),
      ("reconnect 9.75", .reconnect(.milliseconds(9750))),
      ("reconnect 10", .reconnect(.seconds(10))),
      ("reconnect off", .reconnect(nil)), ("timeout 0.5", .timeout(.milliseconds(500))),
      ("timeout off", .timeout(nil)), ("wait", .wait(nil)),
      ("wait 2.5", .wait(.milliseconds(2500))),
      ("sleep 0", .sleep(.zero)), ("status", .status), ("stats", .stats),
      ("stats reset", .resetStats), ("log on", .screenLog(true)), ("log off", .screenLog(false)),
      ("log file a.log", .logFile("a.log")), ("log file -", .logFile(nil)),
      ("log file \"my \\\"log\\\".txt\"", .logFile("my \"log\".txt")), ("set", .set),
      ("help", .help(nil)), ("help every", .help("every")), ("history", .history),
      ("clear", .clear), ("quit", .quit),
    ])
  func reads(line: String, command: Command) throws {
    #expect(try parser.parse(line) == command)
  }

  @Test("connect takes a target, with the port apart too")
  func connects() throws {
    let target = Target(host: "10.0.0.1", port: 80)
    #expect(try parser.parse("connect 10.0.0.1:80") == .connect(target))
    #expect(try parser.parse("connect 10.0.0.1 80") == .connect(target))
    let other = Target(host: "10.0.0.1", port: 25555)
    #expect(try parser.parse("connect 10.0.0.1") == .connect(other))
  }

  @Test("a name is a target where names are allowed; localhost always, and it keeps its name")
  func connectsToNames() throws {
    #expect(refusal("connect example.org")?.contains("--resolve") == true)
    let target = Target(host: "example.org", port: 80)
    let parser = CommandParser(allowsNames: true)
    for line in ["connect example.org:80", "connect example.org 80"] {
      #expect(try parser.parse(line) == .connect(target))
    }
    for line in ["connect localhost:80", "connect localhost 80"] {
      guard case .connect(let target?) = try self.parser.parse(line) else {
        Issue.record("\(line) is no target")
        continue
      }
      #expect(target == Target(host: "127.0.0.1", port: 80))
      #expect(target.name == "localhost")
    }
  }

  @Test(
    "blank lines and comments are no commands",
    arguments: ["", "   ", "# fast", "  #", "\t# it's \"odd"])
  func blank(line: String) throws {
    #expect(try parser.parse(line) == nil)
  }

  @Test(
    "a number out of range is refused with the range",
    arguments: [
      ("every 9 fast", "10 … 1000"), ("every 1001 fast", "10 … 1000"),
      ("every -5 fast", "10 … 1000"),
      ("every 99999999999999999999999 fast", "10 … 1000"), ("every 10.5 fast", "10 … 1000"),
      ("slow 4294967296", "0 … 4294967295"), ("slow -1", "0 … 4294967295"),
      ("slow 1.5", "0 … 4294967295"), ("reconnect 0.999", "1 … 10"), ("reconnect 10.1", "1 … 10"),
      ("timeout 0", "0.001 … 4294967295"), ("connect 127.0.0.1 0", "1 … 65535"),
      ("connect 127.0.0.1 65536", "1 … 65535"), ("sleep 4294967296", "0 … 4294967295"),
      ("sleep 99999999999999999999", "0 … 4294967295"),
    ])
  func outOfRange(line: String, range: String) {
    #expect(refusal(line)?.contains(range) == true, "\(refusal(line) ?? "accepted")")
  }

  @Test(
    "a typo gets a guess",
    arguments: [
      ("fsat", "fast"), ("conect 127.0.0.1", "connect"), ("stauts", "status"), ("exit", "quit"),
      ("qiut", "quit"), ("FAST", "fast"), ("every 100 fsat", "fast"), ("reconnect of", "off"),
      ("log onn", "on"), ("stats rest", "reset"), ("help slwo", "slow"),
      ("disconect", "disconnect"),
    ])
  func guesses(line: String, word: String) {
    var message = refusal(line)
    if line.hasPrefix("help") {
      do { _ = try CommandParser.help(String(line.dropFirst(5))) } catch { message = "\(error)" }
    }
    #expect(message?.contains("did you mean \"\(word)\"?") == true, "\(message ?? "accepted")")
  }

  @Test(
    "other nonsense is refused and says what is expected",
    arguments: [
      ("slow", "expected SECONDS (0 … 4294967295)"), ("slow x", "expected SECONDS"),
      ("every 100", "expected fast or slow"), ("every 100 slow", "expected SECONDS"),
      ("fast 1", "unexpected \"1\""), ("every 100 fast 1", "unexpected \"1\""),
      ("log file", "expected - or PATH"), ("log file a\u{fffd}", "PATH must be UTF-8"),
      ("log file a\u{1}", "PATH must be without control characters"),
      ("log \"on", "quote"), ("xyzzy", "\"help\" lists"),
      ("\u{1b}[2J", "\\u{1b}[2J"), ("a\0b", "a\\u{0}b"),
      ("connect nowhere", "not a numeric address"),
    ])
  func nonsense(line: String, part: String) {
    #expect(refusal(line)?.contains(part) == true, "\(refusal(line) ?? "accepted")")
  }

  @Test("no line makes the parser trap")
  func noise() {
    var random = SystemRandomNumberGenerator()
    let pieces = CommandForm.names + ["\"", "\\", " ", "9", "-", ".", "\u{1b}", "é", "file", "off"]
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...6, using: &random)
      let line = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }
      _ = try? parser.parse(line.joined(separator: Bool.random() ? " " : ""))
    }
  }

  @Test(
    "Tab completes commands and their words",
    arguments: [
      ("", CommandForm.names), ("con", ["connect"]),
      ("s", ["slow", "stop", "sleep", "status", "stats", "set"]),
      ("every 100 ", ["fast", "slow"]), ("every 100 f", ["fast"]), ("every 5 f", []),
      ("log ", ["on", "off", "file"]), ("help ev", ["every"]), ("stats r", ["reset"]),
      ("reconnect o", ["off"]), ("connect 127", ["127.0.0.1:25555"]), ("xyzzy ", []), ("fast ", []),
    ])
  func completes(line: String, candidates: [String]) {
    let completion = parser.completion(of: line, targets: ["127.0.0.1:25555"])
    #expect(completion.candidates == candidates)
  }

  @Test("help knows every command")
  func help() throws {
    for name in CommandForm.names { #expect(try !CommandParser.help(name).isEmpty) }
    #expect(try CommandParser.help(nil).count == CommandForm.all.count)
    for form in CommandForm.all {
      guard let example = form.example else { continue }
      #expect(try parser.parse(example) != nil, "\(example)")
    }
  }

  @Test("a quoted word reads back as it was", arguments: ["a", "a b", "", "\"", "\\ \"x\"", "é\t"])
  func quotes(text: String) throws {
    #expect(try CommandParser.words(of: "x " + CommandParser.quoted(text)) == ["x", text])
  }
}
