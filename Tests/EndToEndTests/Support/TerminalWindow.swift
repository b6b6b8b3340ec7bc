import TestTaskTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A shell in a real terminal, which a test types into and looks at: a window of tmux.
final class TerminalWindow {
  /// Whether tmux is there at all.
  static let isAvailable: Bool = {
    let program = try? Program("/usr/bin/env", ["tmux", "-V"])
    return (try? program?.wait()) == .exit(0)
  }()

  let folder: TemporaryFolder
  private let socket: String

  init(columns: Int = 80, rows: Int = 24) throws {
    folder = try TemporaryFolder()
    socket = folder.path + "/tmux"
    let environment = [
      "HOME": folder.path, "XDG_STATE_HOME": folder.path + "/state", "LC_ALL": "C.UTF-8",
      "PS1": "$ ", "client": Program.buildFolder + "/testtask-client",
    ]
    let start = try Program(
      "/usr/bin/env",
      [
        "tmux", "-u", "-S", socket, "-f", "/dev/null",
        // Whatever scrolls away can be looked at later, however slow the machine is.
        "set-option", "-g", "history-limit", "100000", ";",
        "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", "bash", "--norc", "--noprofile",
      ], environment: environment)
    guard try start.wait() == .exit(0) else {
      throw Program.Failure(description: "tmux: \(try start.readErrorsToEnd())")
    }
    // Not before the shell reads: what is typed earlier is echoed twice.
    try wait { $0.last == "$" }
    try run("stty -g > \(folder.path)/before")
  }

  deinit {
    _ = try? tmux(["kill-server"])
    for name in ["before", "after", "state/testtask-client/history", "tmux"] {
      unlink(folder.path + "/" + name)
    }
    rmdir(folder.path + "/state/testtask-client")
    rmdir(folder.path + "/state")
  }

  @discardableResult
  private func tmux(_ arguments: [String]) throws -> [String] {
    let program = try Program("/usr/bin/env", ["tmux", "-u", "-S", socket] + arguments)
    let lines = try program.readOutputToEnd()
    guard try program.wait() == .exit(0) else {
      throw Program.Failure(description: "tmux \(arguments): \(try program.readErrorsToEnd())")
    }
    return lines
  }

  /// Types text as it is.
  func type(_ text: String) throws { try tmux(["send-keys", "-l", "--", text]) }

  /// Presses a key by tmux's name for it: `Enter`, `C-z`, `Left`.
  func press(_ keys: String...) throws { try tmux(["send-keys"] + keys) }

  /// Types a line and Enter.
  func run(_ line: String) throws {
    try type(line)
    try press("Enter")
  }

  func resize(columns: Int, rows: Int) throws {
    try tmux(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
  }

  /// The rows that hold something, without the blanks at their ends.
  func screen() throws -> [String] {
    try tmux(["capture-pane", "-p"]).filter { !$0.isEmpty }
  }

  /// The rows that hold something, those that have left the screen among them.
  func screenAndScrollback() throws -> [String] {
    try tmux(["capture-pane", "-p", "-S", "-"]).filter { !$0.isEmpty }
  }

  /// Waits until the rows are as `isExpected` says.
  @discardableResult
  func wait(_ isExpected: ([String]) -> Bool) throws -> [String] {
    let deadline = ContinuousClock.now.advanced(by: Program.patience)
    while true {
      let rows = try screen()
      if isExpected(rows) { return rows }
      guard ContinuousClock.now < deadline else {
        throw Program.Failure(description: "the terminal still shows \(rows)")
      }
      usleep(20_000)
    }
  }

  /// The process that the shell runs now.
  func child() throws -> pid_t {
    let shell = try tmux(["list-panes", "-F", "#{pane_pid}"]).first ?? ""
    let children = try readFile("/proc/\(shell)/task/\(shell)/children")
    guard let child = children.split(separator: " ").first.flatMap({ pid_t($0) }) else {
      throw Program.Failure(description: "the shell runs nothing")
    }
    return child
  }

  /// Whether the terminal's settings are those that the shell began with; the shell must have it.
  func hasItsSettings() throws -> Bool {
    try run("stty -g > \(folder.path)/after; echo settings $?")
    try wait { $0.contains("settings 0") }
    return try readFile(folder.path + "/before") == readFile(folder.path + "/after")
  }
}
