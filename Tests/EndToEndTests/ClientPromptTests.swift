import TestTaskTestSupport
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The client's prompt in a real terminal, against the real server.
@Suite(.serialized, .enabled(if: TerminalWindow.isAvailable, "tmux is not installed"))
struct ClientPromptTests {
  private let server: RunningServer
  private let window: TerminalWindow
  private var prompt: String { "127.0.0.1:\(server.port)>" }

  init() throws {
    server = try RunningServer()
    window = try TerminalWindow()
    try window.run("clear; \"$client\" 127.0.0.1:\(server.port)")
    let prompt = "127.0.0.1:\(server.port)>"
    try window.wait { $0.last == prompt }
  }

  @Test func `a typed command is sent, and its answer appears above the prompt`() throws {
    try window.run("fast")
    let rows = try window.wait { rows in
      rows.last == prompt && rows.contains { $0.contains("received #1 (fast): time ") }
    }
    #expect(rows.contains("\(prompt) fast"))
    try window.run("slow 2")
    try window.wait { $0.last == "127.0.0.1:\(server.port) (#2 slow 1s left)>" }
    try window.wait { $0.last == prompt && $0.contains { $0.contains("#2 (slow 2): 1 client") } }
    try window.press("C-d")
    try window.wait { $0.last == "$" }
    #expect(try window.hasItsSettings())
  }

  @Test func `a half-typed line survives 200 lines a second and a resize`() throws {
    try window.run("every 10 fast")
    let text = "status is typed slowly"
    for character in text { try window.type(String(character)) }
    // The prompt before it tells of a request that takes long, as one may on a busy machine.
    func isRow(_ row: String?, _ text: String) -> Bool {
      row?.hasPrefix("127.0.0.1:\(server.port) (") == true
        && row?.hasSuffix("every 10 fast)> \(text)") == true
    }
    try window.wait { isRow($0.last, text) }
    for columns in [50, 100, 40, 80] {
      try window.resize(columns: columns, rows: 24)
      try window.wait { $0.last?.hasSuffix("slowly") == true }
    }
    try window.wait { isRow($0.last, text) }
    for _ in 0..<3 { try window.press("C-w") }
    try window.press("Home")
    try window.run("# ")
    try window.run("stop")
    try window.wait { $0.last == prompt }
    // The lines that came before "stop" was typed may have pushed the row off the screen: 24 of them
    // take an eighth of a second.
    let rows = try window.screenAndScrollback()
    #expect(rows.contains { isRow($0, "# status") })
    #expect(!rows.contains { $0.contains("unknown") })
  }

  @Test func `Ctrl-Z gives the terminal back, and fg takes it again`() throws {
    try window.type("half")
    try window.wait { $0.last == "\(prompt) half" }
    try window.press("C-z")
    try window.wait { $0.last == "$" && $0.contains { $0.contains("Stopped") } }
    #expect(try window.hasItsSettings())
    try window.run("fg")
    try window.wait { $0.last == "\(prompt) half" }
    try window.type(" more")
    try window.wait { $0.last == "\(prompt) half more" }
    try window.press("C-c")
    try window.wait { $0.last == prompt && $0.contains("\(prompt) half more^C") }
    try window.run("quit")
    try window.wait { $0.last == "$" }
    #expect(try window.hasItsSettings())
  }

  @Test(arguments: [(SIGTERM, 143), (SIGHUP, 129), (SIGINT, 130), (SIGUSR1, 138)])
  func `a signal ends it, and the terminal is as before`(signal: Int32, code: Int) throws {
    try window.run("every 50 fast")
    try window.type("half-typed")
    try window.wait { $0.last?.hasSuffix("half-typed") == true }
    #expect(kill(try window.child(), signal) == 0)
    try window.wait { $0.last == "$" }
    try window.run("echo code $?")
    try window.wait { $0.contains("code \(code)") }
    #expect(try window.hasItsSettings())
  }

  @Test func `a killed server is waited for, and what was typed stays`() throws {
    try window.run("slow 100")
    try window.wait { $0.contains { $0.contains("sent #1 (slow 100)") } }
    try window.type("status")
    server.program.send(signal: SIGKILL)
    _ = try server.program.wait()
    try window.wait { $0.last == "not connected (retry in 3s)> status" }
    #expect(try window.screen().contains { $0.contains("lost #1 (slow 100)") })
    let back = try RunningServer(port: server.port)
    try window.wait { $0.last == "\(prompt) status" }
    try window.press("Enter")
    try window.wait { $0.contains("connected, nothing is unanswered") }
    _ = back
  }

  @Test func `a pasted text of several lines runs only after Enter`() throws {
    try window.run("set")
    try window.wait { $0.contains("log file -") }
    // As a terminal pastes when it was asked for brackets.
    try window.type("\u{1b}[200~reconnect 7\ntimeout 9\u{1b}[201~")
    try window.wait { $0.last == "\(prompt) reconnect 7^Jtimeout 9" }
    try window.press("Enter")
    try window.run("set")
    try window.wait { $0.contains("reconnect 7") && $0.contains("timeout 9") }
  }

  @Test func `the history is kept, for its owner alone, and Tab completes`() throws {
    try window.run("slow 0")
    try window.wait { $0.contains { $0.contains("received #1") } }
    try window.press("C-d")
    try window.wait { $0.last == "$" }
    var information = stat()
    #expect(stat(window.folder.path + "/state/testtask-client/history", &information) == 0)
    #expect(information.st_mode & 0o777 == 0o600)
    try window.run("clear; \"$client\" 127.0.0.1:\(server.port)")
    try window.wait { $0.last == prompt }
    try window.press("Up")
    try window.wait { $0.last == "\(prompt) slow 0" }
    try window.press("C-u")
    try window.type("reco")
    try window.press("Tab")
    try window.type("9")
    try window.wait { $0.last == "\(prompt) reconnect 9" }
  }

  @Test func `what orders a row another way is shown as an escape, typed, sent and remembered`()
    throws
  {
    try window.type("# a\u{202E}b")
    try window.wait { $0.last == "\(prompt) # a\\u{202e}b" }
    try window.press("Enter")
    try window.run("history")
    let rows = try window.wait { $0.last == prompt && $0.contains("# a\\u{202e}b") }
    #expect(rows.contains("\(prompt) # a\\u{202e}b"))
    #expect(!rows.contains { $0.unicodeScalars.contains("\u{202E}") })
  }

  @Test func `history shows what was typed, and clear leaves the prompt alone`() throws {
    try window.run("reconnect 7")
    try window.run("history")
    try window.wait { $0.contains { $0.hasSuffix("reconnect 7") && !$0.contains(">") } }
    try window.run("clear")
    try window.wait { $0 == [prompt] }
  }

  @Test func `on a dumb terminal Ctrl-C gives up the line, and nothing is drawn`() throws {
    try window.press("C-d")
    try window.wait { $0.last == "$" }
    try window.run("clear; TERM=dumb \"$client\" 127.0.0.1:\(server.port) --time none")
    try window.wait { $0.contains("connected to 127.0.0.1:\(server.port)") }
    try window.type("quit")
    try window.press("C-c")
    try window.run("fast")
    try window.wait { $0.contains { $0.contains("received #1 (fast)") } }
    try window.press("C-d")
    try window.wait { $0.last == "$" }
    #expect(try window.hasItsSettings())
  }

  @Test func `with its output in a pipe it draws nothing`() throws {
    try window.press("C-d")
    try window.wait { $0.last == "$" }
    try window.run("clear; \"$client\" 127.0.0.1:\(server.port) --time none | cat -v")
    try window.wait { $0.contains("connected to 127.0.0.1:\(server.port)") }
    try window.run("fast")
    let rows = try window.wait { $0.contains { $0.contains("received #1 (fast)") } }
    #expect(!rows.contains { $0.contains("^[") || $0.contains(prompt) })
    try window.press("C-d")
    try window.wait { $0.last == "$" }
    #expect(try window.hasItsSettings())
  }
}
