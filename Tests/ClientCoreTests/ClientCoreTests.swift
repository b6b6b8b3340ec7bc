import TestTaskProgramBasics
import TestTaskTerminalSupport
import Testing

@testable import TestTaskClientCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The whole of what the client decides, by plain calls: the test is its shell.
@Suite struct ClientCoreTests {
  private let target = Target(host: "127.0.0.1", port: 1)

  private func instant(_ milliseconds: Int) -> Moment { Moment(.milliseconds(milliseconds)) }

  /// A client whose commands come from `-e`, or one at a terminal that gets its commands as lines.
  private func client(
    isScript: Bool, isJSON: Bool = false, _ lines: [String] = [], isDumb: Bool = false,
    target: Target? = nil, file: ScriptFile? = nil, wallClock: Int64 = 0
  ) -> ClientCore {
    var options = ClientOptions(
      commands: isScript ? lines : [],
      streams: StandardStreams(
        isInputTerminal: !isScript, isOutputTerminal: !isScript, isDumb: isDumb))
    options.target = target
    options.reconnectDelay = nil
    var core = ClientCore(
      options,
      log: SessionLog(isJSON: isJSON, isColoured: false, stamp: .none, isVerbose: false),
      file: file, wallClock: { wallClock })
    if !isScript { _ = core.handle(.lines(lines.map { .text($0) }), at: instant(0)) }
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
    var core = client(isScript: true, ["fast"], target: target)
    let start = core.start(at: instant(0))
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
    #expect(core.handle(.outputDrained(lostLines: 0), at: instant(3)) == [.exit(atOnce: true)])
  }

  @Test("a signal ends a script at once, and its status is the one that counts")
  func signals() {
    let statuses: [(Int32, TestTaskClientCore.ExitStatus)] = [
      (SIGINT, .interrupted), (SIGTERM, .terminated), (SIGHUP, .hangup), (SIGQUIT, .quit),
    ]
    for (signal, status) in statuses {
      var core = client(isScript: true, ["fats"])
      _ = turn(&core, at: instant(0))
      #expect(core.signalled(signal, at: instant(0)).last == .exit(atOnce: true))
      #expect(core.exitStatus == status)
      #expect(status.rawValue == 128 + signal)
    }
  }

  @Test("at a prompt an interrupt gives up what a command waits for, and else ends the program")
  func interrupt() {
    var core = client(isScript: false, ["sleep 100"])
    _ = turn(&core, at: instant(0))
    #expect(core.deadline == instant(100_000))
    #expect(core.signalled(SIGINT, at: instant(1)) == [])
    #expect(core.deadline == nil)
    #expect(core.signalled(SIGINT, at: instant(2)).last == .exit(atOnce: true))
    // Where the terminal edits the line, it has given up the line.
    core = client(isScript: false, isDumb: true)
    #expect(core.signalled(SIGINT, at: instant(0)) == [])
    #expect(core.exitStatus == nil)
    #expect(core.signalled(SIGTERM, at: instant(0)).last == .exit(atOnce: true))
  }

  @Test("Ctrl-C at the prompt ends a wait and nothing else; Ctrl-D quits")
  func keys() {
    var core = client(isScript: false, ["sleep 100", "fast"])
    _ = turn(&core, at: instant(0))
    #expect(core.handle(.interrupt, at: instant(1)) == [])
    #expect(core.deadline == nil)
    #expect(turn(&core, at: instant(1)) == [])
    #expect(core.handle(.interrupt, at: instant(1)) == [])
    #expect(core.exitStatus == nil)
    #expect(core.handle(.quit, at: instant(2)).last == .exit(atOnce: false))
    #expect(core.exitStatus == .success)
  }

  @Test("a reader of the output who has left is no error; any other failure of it is one")
  func output() {
    var core = client(isScript: true, ["sleep 1"])
    let gone = Descriptor.Failure(code: EPIPE)
    #expect(core.handle(.outputFailed(gone), at: instant(0)).last == .exit(atOnce: false))
    #expect(core.exitStatus == .success)
    core = client(isScript: true, ["sleep 1"])
    let full = Descriptor.Failure(code: ENOSPC)
    let actions = core.handle(.outputFailed(full), at: instant(0))
    #expect(actions.first == .complain("standard output: \(full.message)"))
    #expect(core.exitStatus == .internalError)
    #expect(
      core.handle(.outputDrained(lostLines: 3), at: instant(0))
        == [.complain("nobody read them: 3 lines were lost"), .exit(atOnce: true)])
  }

  @Test("input that fails ends a script with 1 and a reason; a terminal that goes is a hangup")
  func input() {
    func client(isInputTerminal: Bool) -> ClientCore {
      ClientCore(
        ClientOptions(
          streams: StandardStreams(isInputTerminal: isInputTerminal, isOutputTerminal: true)),
        log: SessionLog(isJSON: false, isColoured: false, stamp: .none, isVerbose: false),
        wallClock: { 0 })
    }
    var core = client(isInputTerminal: false)
    let actions = core.handle(.endOfInput(error: "is a directory"), at: instant(0))
    #expect(actions.first == .complain("standard input: is a directory"))
    #expect(core.exitStatus == .internalError)
    core = client(isInputTerminal: true)
    _ = core.handle(.endOfInput(error: nil), at: instant(0))
    #expect(core.exitStatus == .hangup)
    core = client(isInputTerminal: false)
    #expect(turn(&core, at: instant(0)) == [])
    #expect(core.handle(.endOfInput(error: nil), at: instant(0)) == [])
    #expect(turn(&core, at: instant(0)).last == .exit(atOnce: false))
    #expect(core.exitStatus == .success)
  }

  @Test("a script's file follows the commands of -e, and its lines are numbered")
  func file() {
    let file = ScriptFile(name: "demo", content: Array("stats\nfats\n".utf8))
    var core = client(isScript: true, ["every"], file: file)
    let actions = turn(&core, at: instant(0))
    #expect(
      printed(actions) == ["the periodic mode is off", "sent 0, answered 0, lost 0, skipped 0"])
    #expect(
      actions.contains(.complain("demo:2: unknown command \"fats\"; did you mean \"fast\"?")))
    #expect(core.exitStatus == .commandFailed)
  }

  @Test("what the network reports is logged, and a failure with its reason")
  func network() {
    var core = client(isScript: false, target: Target(host: "example.org", port: 1))
    _ = core.start(at: instant(0))
    let failure = ConnectFailure(.lookUp, "no such host")
    #expect(
      printed(core.handle(.connectFailed(failure), at: instant(1)))
        == ["connect to example.org:1 failed: looking up example.org: no such host"])
    for event in [NetworkEvent.ended, .lost(.failed(reason: "host is down"))] {
      core = client(isScript: false, target: target)
      _ = core.start(at: instant(0))
      _ = core.handle(.connected, at: instant(1))
      let reason = event == .ended ? "closed by the server" : "host is down"
      #expect(
        printed(core.handle(event, at: instant(2)))
          == ["disconnected from 127.0.0.1:1: \(reason)"])
    }
  }

  @Test("many lines at once are not read further until most are done, and none is lost")
  func manyLines() {
    var core = client(isScript: true)
    _ = core.handle(.lines(Array(repeating: .text("stats"), count: 1000)), at: instant(0))
    #expect(core.wantsInput)
    _ = core.handle(.lines([.text("stats")]), at: instant(0))
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
      var core = client(
        isScript: true, isJSON: isJSON, ["status", "every", "history", "clear", "sleep 1"])
      let expected: [String] = ["target: none", "not connected", "the periodic mode is off"]
      let actions = turn(&core, at: instant(0))
      #expect(
        actions == expected.map { isJSON ? .printAside($0) : .print($0) }
          + [.showHistory, .clearScreen])
    }
  }

  @Test("a copy of the log gets its lines once it is open, and one that cannot be opened fails")
  func copies() {
    var core = client(isScript: true, ["log file a", "log off", "sleep 1"], target: target)
    #expect(turn(&core, at: instant(0)) == [.openCopy(path: "a")])
    core.copyOpened("a")
    #expect(
      core.start(at: instant(0))
        == [.appendToCopy("connecting to 127.0.0.1:1"), .connect(target, timeout: .seconds(5))])
    core = client(isScript: true, ["log file a"])
    #expect(core.runCommand(at: instant(0)) == [.openCopy(path: "a")])
    let failure = Descriptor.Failure(code: EACCES)
    core.commandFailed(CommandError(cannot: "open the log file", "a\nb", failure))
    #expect(
      turn(&core, at: instant(0)).first
        == .complain("-e: cannot open the log file a\\nb: \(failure.message)"))
    #expect(core.exitStatus == .commandFailed)
  }

  @Test("the prompt is of the session, and Tab completes its server")
  func prompt() {
    var core = client(isScript: false, target: target)
    #expect(core.prompt(at: instant(0)).text == "not connected>")
    #expect(core.completion(of: "connect ").candidates == [])
    _ = core.start(at: instant(0))
    #expect(core.prompt(at: instant(0)).text == "connecting to 127.0.0.1:1>")
    #expect(core.completion(of: "connect ").candidates == ["127.0.0.1:1"])
    #expect(core.completion(of: "con").candidates == ["connect"])
  }

  @Test("a command that is refused says why, and ends a script but not the prompt")
  func refusals() {
    var core = client(isScript: false, ["fast", "every"])
    #expect(
      turn(&core, at: instant(0))
        == [.complain("not sent: not connected"), .print("the periodic mode is off")])
    core = client(isScript: true, ["connect", "every"])
    #expect(
      turn(&core, at: instant(0)).first == .complain("-e: no target: connect HOST[:PORT]"))
    #expect(core.exitStatus == .commandFailed)
  }

  @Test("that a copy loses lines is said once, until it takes lines again or is another one")
  func lostLines() {
    var core = client(isScript: true)
    func complaint(_ reason: String) -> [ClientCore.Action] {
      [.complain("lines are lost, log file a\\tb: \(reason)")]
    }
    core.copyOpened("a\tb")
    #expect(core.copyWritten(isBehind: false, failure: nil) == [])
    #expect(
      core.copyWritten(isBehind: true, failure: nil) == complaint("its reader takes nothing"))
    #expect(core.copyWritten(isBehind: true, failure: "no space") == [])
    #expect(core.copyWritten(isBehind: false, failure: nil) == [])
    #expect(core.copyWritten(isBehind: true, failure: "no space") == complaint("no space"))
    core.copyOpened("a\tb")
    #expect(core.copyWritten(isBehind: true, failure: "no space") == complaint("no space"))
    #expect(core.lineForLost(1) == "1 line of the log could not be written")
    #expect(core.lineForLost(2) == "2 lines of the log could not be written")
  }

  @Test("lines of standard input are numbered")
  func numbers() {
    var core = client(isScript: true)
    _ = core.handle(.lines([.text("stats"), .text("fats"), .tooLong]), at: instant(0))
    let actions = turn(&core, at: instant(0))
    #expect(
      actions.contains(.complain("stdin:2: unknown command \"fats\"; did you mean \"fast\"?")))
  }
}
