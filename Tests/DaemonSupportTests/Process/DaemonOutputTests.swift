import TestTaskProgramBasics
import TestTaskTestSupport
import Testing
import UVNet

@testable import TestTaskDaemonSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct DaemonOutputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs a loop to its end with an output whose standard error is the file `errors`.
  private func run(
    log: String, _ body: (EventLoop, DaemonOutput) throws -> Void
  ) throws {
    folder.put("", "errors")
    let errors = open("\(folder.path)/errors", O_WRONLY | O_APPEND)
    try #require(errors >= 0)
    defer { close(errors) }
    let loop = try EventLoop()
    let output = DaemonOutput(
      log: try EventLog(path: log, format: .logfmt, level: .info),
      diagnostics: Diagnostics(program: "daemon", descriptor: errors, journalStream: nil),
      notifier: ServiceNotifier(socket: nil), on: loop)
    defer {
      output.flush()
      loop.endAndClose()
    }
    try body(loop, output)
    loop.run()
  }

  @Test func `what a turn notes is written together at its end`() throws {
    try run(log: "\(folder.path)/log") { loop, output in
      loop.nextTick {
        output.record(.info, "one")
        output.record(.debug, "below the level")
        output.record(.info, "two")
        #expect(folder.contents("log").isEmpty)
      }
    }
    let events = folder.contents("log").split(separator: "\n").map { $0.split(separator: "=").last }
    #expect(events == ["one", "two"])
  }

  @Test func `the level can be changed`() throws {
    try run(log: "\(folder.path)/log") { loop, output in
      #expect(output.logLevel == .info)
      output.logLevel = .debug
      output.record(.debug, "now it is")
    }
    #expect(folder.contents("log").contains("level=debug"))
  }

  @Test func `a log that cannot be opened anew is told, and the old file stays in use`() throws {
    let path = "\(folder.path)/log"
    try run(log: path) { loop, output in
      rename(path, path + ".1")
      try #require(mkdir(path, 0o700) == 0)
      output.reopenLog()
      output.record(.info, "later")
    }
    rmdir(path)
    #expect(folder.contents("log.1").contains("event=later"))
    #expect(
      folder.contents("errors")
        == "daemon: error: log \"\(path)\" not reopened: Is a directory; the old file stays in use\n"
    )
  }

  #if os(Linux)
    @Test func `lines that a log does not take are told once, and it is tried again`() throws {
      let path = "\(folder.path)/log"
      try #require(mkfifo(path, 0o600) == 0)
      let reader = open(path, O_RDONLY | O_NONBLOCK)
      try #require(reader >= 0)
      defer { close(reader) }
      var read: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 1 << 20)
      func drain() {
        while true {
          let count = Glibc.read(reader, &piece, piece.count)
          guard count > 0 else { return }
          read += piece.prefix(count)
        }
      }
      try run(log: path) { loop, output in
        let long = String(repeating: "x", count: 60_000)
        LoopTimer.every(.milliseconds(1), on: loop) { timer in
          // The line that does not fit is torn and owed; the one after it is lost as a whole.
          output.record(.info, "long") { $0.add("text", long) }
          guard !folder.contents("errors").isEmpty else { return }
          // When there is room again nobody notes anything: a timer has to write.
          timer.cancel()
          drainUntilItIsTold()
        }
        func drainUntilItIsTold() {
          LoopTimer.every(.milliseconds(20), on: loop) { timer in
            drain()
            if String(decoding: read.suffix(200), as: UTF8.self).contains("event=lost count=") {
              timer.cancel()
            }
          }
        }
      }
      #expect(
        folder.contents("errors")
          == "daemon: error: log \"\(path)\": lines are lost: its reader takes no more\n")
    }
  #endif

  @Test func `diagnostics outlive the output`() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { ends.forEach { close($0) } }
    let diagnostics = Diagnostics(program: "daemon", descriptor: ends[1], journalStream: nil)
    do {
      let loop = try EventLoop()
      _ = DaemonOutput(
        log: try EventLog(path: "\(folder.path)/log", format: .logfmt, level: .info),
        diagnostics: diagnostics, notifier: ServiceNotifier(socket: nil), on: loop)
      loop.endAndClose()
    }
    // More than the pipe takes, so that lines are lost.
    for _ in 0..<200 { diagnostics.report(.info, String(repeating: "x", count: 1_000)) }
    #expect(diagnostics.owesWriting)
  }
}
