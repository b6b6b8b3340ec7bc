import Testing

@testable import TestTaskClientCore

/// The whole of what the client decides, by plain calls: the test is its shell.
@Suite struct ClientCoreTests {
  private let target = Target(host: "127.0.0.1", port: 1)

  private func instant(_ milliseconds: Int) -> Moment { Moment(.milliseconds(milliseconds)) }

  private func client(
    isScript: Bool, isJSON: Bool = false, _ lines: [String] = [], isPlainPrompt: Bool = false
  ) -> ClientCore {
    var options = ClientCore.Options(
      isScript: isScript, reconnectDelay: nil, connectTimeout: .seconds(5))
    options.isPlainPrompt = isPlainPrompt
    var core = ClientCore(
      options,
      log: SessionLog(isJSON: isJSON, isColoured: false, stamp: .none, isVerbose: false),
      parser: CommandParser(allowsNames: false), wallClock: { 0 })
    core.append(lines.map { ScriptLine(.text($0), source: "-e") })
    return core
  }

  /// Runs commands until there is nothing to do; returns all that is to be done.
  private func turn(_ core: inout ClientCore, at now: Moment) -> [ClientCore.Action] {
    var actions: [ClientCore.Action] = []
    while let more = core.runCommand(at: now) { actions += more }
    return actions
  }

  /// What is printed, without the rest.
  private func printed(_ actions: [ClientCore.Action]) -> [String] {
    actions.compactMap { if case .print(let line) = $0 { line } else { nil } }
  }

  @Test("a script connects, asks, shows the answer, prints what it counted, and ends with 0")
  func script() throws {
    var core = client(isScript: true, ["fast"])
    core.endInput()
    let start = core.start(target, at: instant(0))
    #expect(
      start == [.print("connecting to 127.0.0.1:1"), .connect(target, timeout: .seconds(5))])
    #expect(turn(&core, at: instant(0)) == [])
    #expect(core.handle(.connected, at: instant(1)) == [.print("connected to 127.0.0.1:1")])
    let sent = turn(&core, at: instant(1))
    #expect(sent == [.send([0x02, 0x1a, 0x00]), .print("sent #1 (fast)")])
    let frame = Answer.fast(serverTime: "19851019T050107.333").frame
    #expect(
      printed(core.received(frame.span.bytes, at: instant(3)))
        == ["received #1 (fast): time 19851019T050107.333 in 2.000 ms"])
    let end = turn(&core, at: instant(3))
    #expect(
      end == [
        .closeConnection, .print("disconnected from 127.0.0.1:1: ended by the client"),
        .print("sent 1, answered 1, lost 0, skipped 0"),
        .print("fast round trip: min 2.000, p50 2.000, p90 2.000, p99 2.000, max 2.000 ms"),
        .openCopy(path: nil), .stop, .exit(atOnce: false),
      ])
    #expect(core.exitStatus == .success)
    #expect(core.deadline == nil)
    #expect(core.outputDrained(lostLines: 0) == [.exit(atOnce: true)])
  }

  @Test("a signal ends a script at once, and its status is the one that counts")
  func signals() {
    for status in [TestTaskClientCore.ExitStatus.interrupted, .terminated, .hangup, .quit] {
      var core = client(isScript: true, ["fats"])
      _ = turn(&core, at: instant(0))
      #expect(core.signalled(status, at: instant(0)).last == .exit(atOnce: true))
      #expect(core.exitStatus == status)
    }
  }

  @Test("at a prompt an interrupt gives up what a command waits for, and else ends the program")
  func interrupt() {
    var core = client(isScript: false, ["sleep 100"])
    _ = turn(&core, at: instant(0))
    #expect(core.deadline == instant(100_000))
    #expect(core.signalled(.interrupted, at: instant(1)) == [])
    #expect(core.deadline == nil)
    #expect(core.signalled(.interrupted, at: instant(2)).last == .exit(atOnce: true))
    // Where the terminal edits the line, it has given up the line.
    core = client(isScript: false, isPlainPrompt: true)
    #expect(core.signalled(.interrupted, at: instant(0)) == [])
    #expect(core.exitStatus == nil)
    #expect(core.signalled(.terminated, at: instant(0)).last == .exit(atOnce: true))
  }

  @Test("a reader of the output who has left is no error; any other failure of it is one")
  func output() {
    var core = client(isScript: true, ["sleep 1"])
    #expect(
      core.outputFailed("EPIPE", isReaderGone: true, at: instant(0)).last == .exit(atOnce: false))
    #expect(core.exitStatus == .success)
    core = client(isScript: true, ["sleep 1"])
    let actions = core.outputFailed("no space", isReaderGone: false, at: instant(0))
    #expect(actions.first == .complain("standard output: no space"))
    #expect(core.exitStatus == .internalError)
    #expect(
      core.outputDrained(lostLines: 3).first == .complain("nobody read them: 3 lines were lost"))
  }

  @Test("input that fails ends a script with 1 and a reason; a terminal that goes is a hangup")
  func input() {
    var core = client(isScript: true)
    let actions = core.inputEnded(error: "is a directory", isTerminalGone: false, at: instant(0))
    #expect(actions.first == .complain("standard input: is a directory"))
    #expect(core.exitStatus == .internalError)
    core = client(isScript: false)
    _ = core.inputEnded(error: nil, isTerminalGone: true, at: instant(0))
    #expect(core.exitStatus == .hangup)
    core = client(isScript: true)
    #expect(core.inputEnded(error: nil, isTerminalGone: false, at: instant(0)) == [])
    #expect(turn(&core, at: instant(0)).last == .exit(atOnce: false))
  }

  @Test("many lines at once are not read further until most are done, and none is lost")
  func manyLines() {
    var core = client(isScript: true)
    core.read(Array(repeating: .text("stats"), count: 1000))
    #expect(core.wantsInput)
    core.read([.text("stats")])
    #expect(!core.wantsInput)
    var lines = 0
    while !core.wantsInput, let actions = core.runCommand(at: instant(0)) {
      lines += printed(actions).count
    }
    #expect(lines == 902)
    #expect(printed(turn(&core, at: instant(0))).count == 99)
  }

  @Test("beside JSON what commands answer is no part of the output")
  func beside() {
    for isJSON in [false, true] {
      var core = client(isScript: true, isJSON: isJSON, ["status", "every", "history", "clear"])
      let expected: [String] = ["target: none", "not connected", "the periodic mode is off"]
      let actions = turn(&core, at: instant(0))
      #expect(
        actions == expected.map { isJSON ? .printAside($0) : .print($0) }
          + [.showHistory, .clearScreen])
    }
  }

  @Test("a copy of the log gets its lines once it is open, and one that cannot be opened fails")
  func copies() {
    var core = client(isScript: true, ["log file a", "log off"])
    #expect(turn(&core, at: instant(0)) == [.openCopy(path: "a")])
    core.copyOpened("a")
    #expect(
      core.start(target, at: instant(0))
        == [.appendToCopy("connecting to 127.0.0.1:1"), .connect(target, timeout: .seconds(5))])
    core = client(isScript: true, ["log file a"])
    #expect(core.runCommand(at: instant(0)) == [.openCopy(path: "a")])
    core.commandFailed(CommandError(message: "cannot open the log file a"))
    #expect(
      turn(&core, at: instant(0)).first == .complain("-e: cannot open the log file a"))
    #expect(core.exitStatus == .commandFailed)
  }

  @Test("lines of standard input are numbered")
  func numbers() {
    var core = client(isScript: true)
    core.read([.text("stats"), .text("fats"), .tooLong(limit: 9)])
    let actions = turn(&core, at: instant(0))
    #expect(
      actions.contains(.complain("stdin:2: unknown command \"fats\"; did you mean \"fast\"?")))
  }
}
