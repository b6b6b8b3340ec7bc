import TestTaskTerminalSupport
import Testing

@testable import TestTaskClientCore

/// Runs scripts against a session whose network is the test.
@Suite struct CommandRunnerTests {
  /// A session and a runner, wired as the program wires them.
  private struct Script {
    var session: Session
    var runner: CommandRunner
    var now: UInt64 = 0
    var sent: [RequestKind] = []
    var reports: [String] = []
    var hasFinished = false
    /// How often the runner let others have their turn.
    var rests = 0

    var instant: Moment {
      Moment(.milliseconds(now))
    }

    init(
      _ lines: [String], reconnect: Duration? = nil, timeout: Duration? = nil,
      keepsGoing: Bool = false, target: Target? = Target(host: "127.0.0.1", port: 1),
      ends: Bool = true,
      isScript: Bool = true
    ) throws {
      session = Session(
        reconnectDelay: reconnect, answerTimeout: timeout, connectTimeout: .seconds(5))
      runner = CommandRunner(
        parser: CommandParser(allowsNames: false), isScript: isScript, keepsGoing: keepsGoing)
      for line in lines { runner.append(ScriptLine(.text(line), source: "-e")) }
      if ends { runner.endInput() }
      if let target {
        perform(try session.connect(to: target, at: instant))
      }
      turn()
    }

    mutating func perform(_ actions: [SessionAction]) {
      for action in actions {
        switch action {
        case .send(let kind): sent.append(kind)
        case .log(let event): runner.note(event)
        case .connect, .close: break
        }
      }
    }

    mutating func turn() {
      while !hasFinished {
        switch runner.next(session: session, at: instant) {
        case .wait: return
        case .goOn: rests += 1
        case .finish: hasFinished = true
        case .report(let text): reports.append(text)
        case .execute(let command):
          do throws(CommandError) {
            switch command {
            case .request(let kind): perform(try session.send(kind, at: instant))
            case .every(let interval, let kind):
              perform(session.startPeriodic(kind, every: interval, at: instant))
            case .stop: session.stopPeriodic()
            case .connect(let address): perform(try session.connect(to: address, at: instant))
            case .disconnect: perform(session.disconnect(at: instant))
            case .reconnect(let delay): session.setReconnectDelay(delay)
            case .timeout(let limit): session.setAnswerTimeout(limit)
            default: break
            }
          } catch {
            runner.commandFailed(error)
          }
        }
      }
    }

    mutating func connected() {
      perform(session.connected(at: instant))
      turn()
    }

    mutating func refused() {
      perform(session.connectFailed("connection refused", at: instant))
      turn()
    }

    mutating func answer(_ answer: Answer = .fast(serverTime: "")) {
      perform(session.received(answer, at: instant))
      turn()
    }

    mutating func lose(_ cause: LossCause = .closedByServer) {
      perform(session.connectionLost(cause, at: instant))
      turn()
    }

    mutating func pass(_ milliseconds: UInt64) {
      now += milliseconds
      perform(session.advance(to: instant))
      turn()
    }
  }

  @Test("each request awaits its connection and its answer")
  func sequence() throws {
    var script = try Script(["fast", "slow 1"])
    #expect(script.sent == [])
    script.connected()
    #expect(script.sent == [.fast])
    script.answer()
    #expect(script.sent == [.fast, .slow(seconds: 1)])
    #expect(!script.hasFinished)
    script.answer(.slow(connectedClients: 1))
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .success)
  }

  @Test("without reconnecting a refused connection fails the command")
  func refused() throws {
    var script = try Script(["fast", "fast"])
    script.refused()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .connectionLost)
    #expect(script.reports == ["-e: could not connect to 127.0.0.1:1: connection refused"])
  }

  @Test("an empty script tells whether there is a connection")
  func empty() throws {
    var script = try Script([])
    #expect(!script.hasFinished)
    script.refused()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .connectionLost)
    #expect(script.reports == ["could not connect to 127.0.0.1:1: connection refused"])
    script = try Script([])
    script.connected()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .success)
    script = try Script([], target: nil)
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .success)
  }

  @Test("with reconnecting a request waits through the retries, and is sent again when lost")
  func retries() throws {
    var script = try Script(["reconnect 1", "fast"])
    script.refused()
    #expect(!script.hasFinished)
    script.pass(1000)
    #expect(script.session.state == .connecting)
    script.connected()
    #expect(script.sent == [.fast])
    script.lose()
    script.pass(1000)
    script.connected()
    #expect(script.sent == [.fast, .fast])
    script.answer()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .success)
  }

  @Test("a lost connection fails the command that waits")
  func lost() throws {
    for (cause, status) in [
      (LossCause.closedByServer, TestTaskClientCore.ExitStatus.connectionLost),
      (.violation, .protocolViolation),
      (.noAnswer(within: .seconds(1)), .timedOut),
    ] {
      for command in ["fast", "every 100 fast\nwait", "every 100 fast\nsleep 5"] {
        var script = try Script(command.split(separator: "\n").map(String.init) + ["fast"])
        script.connected()
        script.lose(cause)
        #expect(script.hasFinished)
        #expect(script.runner.exitStatus == status)
      }
    }
  }

  @Test("a violation fails the command and sets the code though reconnecting is on")
  func violation() throws {
    var script = try Script(["fast", "fast"], reconnect: .seconds(1), keepsGoing: true)
    script.connected()
    script.lose(.violation)
    script.pass(1000)
    script.connected()
    script.answer()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .protocolViolation)
  }

  @Test("an unknown command stops the script, or not")
  func unknown() throws {
    var script = try Script(["fsat", "fast"])
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .commandFailed)
    script = try Script(["fsat", "fast"], keepsGoing: true)
    #expect(!script.hasFinished)
    script.connected()
    script.answer()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .commandFailed)
    #expect(script.reports.count == 1)
  }

  @Test("after disconnect a request is refused, and there is no target without one")
  func disconnected() throws {
    var script = try Script(["disconnect", "fast"])
    #expect(script.runner.exitStatus == .commandFailed)
    #expect(script.reports == ["-e: not sent: not connected"])
    script = try Script(["fast"], target: nil)
    #expect(script.runner.exitStatus == .commandFailed)
    script = try Script(["connect"], target: nil)
    #expect(script.runner.exitStatus == .commandFailed)
    #expect(script.hasFinished)
  }

  @Test("a periodic mode gives way to another, though a request of it is unanswered")
  func everyTwice() throws {
    var script = try Script(["every 100 slow 5", "every 200 fast", "sleep 1"])
    script.connected()
    #expect(script.sent == [.slow(seconds: 5)])
    #expect(script.session.periodic?.command == "every 200 fast")
    script.answer(.slow(connectedClients: 1))
    script.pass(200)
    #expect(script.sent == [.slow(seconds: 5), .fast])
  }

  @Test("connect in a script waits for the connection, whatever was under way")
  func connect() throws {
    var script = try Script(["connect 127.0.0.1:2", "fast"])
    #expect(script.session.target?.port == 2)
    #expect(!script.hasFinished)
    script.connected()
    #expect(script.sent == [.fast])
    script = try Script(["connect 127.0.0.1:2", "fast"])
    script.refused()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .connectionLost)
    #expect(script.sent == [])
  }

  @Test("the end of a script waits for the last answer and stops the periodic mode")
  func periodicEnd() throws {
    var script = try Script(["every 10 fast"])
    #expect(script.sent == [])
    script.connected()
    #expect(script.sent == [.fast])
    #expect(!script.hasFinished)
    #expect(script.session.periodic == nil)
    script.pass(50)
    script.answer()
    #expect(script.hasFinished)
    #expect(script.sent == [.fast])
    #expect(script.runner.exitStatus == .success)
  }

  @Test("a request of a script waits for the periodic one before it")
  func besidePeriodic() throws {
    var script = try Script(["every 1000 fast", "slow 0"])
    script.connected()
    #expect(script.sent == [.fast])
    script.answer()
    #expect(script.sent == [.fast, .slow(seconds: 0)])
    script.answer(.slow(connectedClients: 1))
    #expect(script.hasFinished)
  }

  @Test("sleep and wait end on time; a wait in vain is a time-out")
  func times() throws {
    var script = try Script(["sleep 0.5", "wait", "every 100 fast", "wait 2"])
    script.connected()
    script.pass(499)
    #expect(script.session.periodic == nil)
    script.pass(1)
    #expect(script.session.periodic != nil)
    script.pass(1999)
    #expect(!script.hasFinished)
    script.pass(1)
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .timedOut)
  }

  @Test("a loss between two commands fails the next that needs the connection")
  func lossBetween() throws {
    var script = try Script(["fast"], ends: false)
    script.connected()
    script.answer()
    script.lose()
    #expect(!script.hasFinished)
    script.runner.append(ScriptLine(.text("status"), source: "stdin:2"))
    script.turn()
    #expect(!script.hasFinished)
    script.runner.append(ScriptLine(.text("fast"), source: "stdin:3"))
    script.turn()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .connectionLost)
    #expect(script.reports == ["stdin:3: not sent: closed by the server"])
  }

  @Test("all answered, then lost: the moment of the loss does not matter")
  func lossAfterLastAnswer() throws {
    for ending in [[], ["quit"], ["stats", "quit"], ["# done"], ["disconnect"]] {
      for isTogether in [false, true] {
        var script = try Script(["fast"] + ending)
        script.connected()
        if isTogether {
          script.perform(script.session.received(.fast(serverTime: ""), at: script.instant))
          script.lose()
        } else {
          script.answer()
          script.lose()
        }
        #expect(script.hasFinished)
        #expect(script.runner.exitStatus == .success, "\(ending)")
        #expect(script.reports == [])
      }
    }
  }

  @Test("a loss fails what waits next, whether it came before or meanwhile")
  func lossBeforeWaiting() throws {
    for next in ["sleep 1", "wait 1", "fast"] {
      for isTogether in [false, true] {
        if next == "wait 1", !isTogether { continue }  // Nothing is unanswered: it does not wait.
        var script = try Script(["fast", next, "quit"])
        script.connected()
        if isTogether {
          script.perform(script.session.received(.fast(serverTime: ""), at: script.instant))
        } else {
          script.answer()
        }
        script.lose()
        #expect(script.hasFinished)
        #expect(script.runner.exitStatus == .connectionLost, "\(next)")
        #expect(script.reports.count == 1)
      }
    }
  }

  @Test(
    "a connection that was lost while the script waited for its next line fails its end",
    arguments: ["quit", nil])
  func lossBetweenLines(last: String?) throws {
    var script = try Script(["fast"], ends: false)
    script.connected()
    script.answer()
    script.lose()
    #expect(!script.hasFinished)
    if let last { script.runner.append(ScriptLine(.text(last), source: "stdin:2")) }
    script.runner.endInput()
    script.turn()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .connectionLost)
    #expect(script.reports == ["closed by the server"])
    // Unless there was another connection since.
    script = try Script(["fast"], ends: false)
    script.connected()
    script.answer()
    script.lose()
    script.runner.append(ScriptLine(.text("connect"), source: "stdin:2"))
    script.turn()
    script.connected()
    if let last { script.runner.append(ScriptLine(.text(last), source: "stdin:3")) }
    script.runner.endInput()
    script.turn()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .success)
  }

  @Test("a periodic request that is lost at the end of a script fails it")
  func lostAtEnd() throws {
    var script = try Script(["every 100 fast"])
    script.connected()
    #expect(!script.hasFinished)
    script.lose()
    #expect(script.hasFinished)
    #expect(script.runner.exitStatus == .connectionLost)
    #expect(script.reports == ["closed by the server"])
  }

  @Test("a script never ends with another code than 0 without saying why")
  func wordForEachCode() throws {
    for cause in [
      LossCause.closedByServer, .failed(reason: "x"), .violation,
      .noAnswer(within: .seconds(1)), .incompleteAnswer(byteCount: 1, within: .seconds(10)),
    ] {
      for lines in [
        ["fast"], ["every 100 fast"], ["every 100 fast", "sleep 1"], ["fast", "quit"],
      ] {
        for reconnect in [nil, Duration.seconds(1)] {
          for keepsGoing in [false, true] {
            var script = try Script(lines, reconnect: reconnect, keepsGoing: keepsGoing)
            script.connected()
            script.lose(cause)
            while !script.hasFinished {
              script.pass(1000)
              script.connected()
              if script.session.unanswered != nil { script.answer() }
            }
            #expect(script.hasFinished)
            #expect(
              (script.runner.exitStatus == .success) == script.reports.isEmpty,
              "\(cause) \(lines) \(String(describing: reconnect)) \(keepsGoing) \(script.reports)")
          }
        }
      }
    }
  }

  @Test("a file's lines follow one by one, and others have a turn between very many")
  func file() throws {
    var script = try Script(["fast"], keepsGoing: true, ends: false)
    let lines =
      ["fats"] + Array(repeating: "# nothing", count: 1000)
      + [String(repeating: "x", count: LineReader.limit + 1), "slow 0"]
    let text = lines.joined(separator: "\n")
    script.runner.file = ScriptFile(name: "demo.txt", content: Array(text.utf8))
    script.runner.endInput()
    script.connected()
    #expect(script.sent == [.fast])
    #expect(script.runner.pendingLines == 0)
    script.answer()
    #expect(script.sent == [.fast, .slow(seconds: 0)])
    script.answer(.slow(connectedClients: 1))
    #expect(script.hasFinished)
    #expect(script.rests >= 10)
    #expect(script.reports.count == 2)
    #expect(script.reports.first?.contains("demo.txt:1: unknown command \"fats\"") == true)
    #expect(script.reports.last?.contains("demo.txt:1002: a line is longer than 65536") == true)
  }

  @Test("a line too long fails like any other command")
  func longLine() throws {
    var script = try Script([], ends: false)
    script.connected()
    script.runner.append(ScriptLine(.tooLong, source: "stdin:1"))
    script.turn()
    #expect(script.runner.exitStatus == .commandFailed)
    #expect(script.reports == ["stdin:1: a line is longer than 65536 bytes"])
  }

  @Test("at the prompt nothing waits but wait and sleep, and nothing ends the program")
  func prompt() throws {
    var script = try Script(["fast", "slow 1", "fsat"], ends: false, isScript: false)
    #expect(script.reports.count == 3)
    script.connected()
    script.runner.append(ScriptLine(.text("fast")))
    script.runner.append(ScriptLine(.text("wait")))
    script.runner.append(ScriptLine(.text("fast")))
    script.turn()
    #expect(script.sent == [.fast])
    script.answer()
    #expect(script.sent == [.fast, .fast])
    script.runner.append(ScriptLine(.text("sleep 100")))
    script.runner.append(ScriptLine(.text("fast")))
    script.turn()
    let wasWaiting = script.runner.cancel()
    let isWaiting = script.runner.cancel()
    #expect(wasWaiting && !isWaiting)
    #expect(script.runner.deadline == nil)
    script.turn()
    #expect(script.runner.exitStatus == .success)
    script.runner.append(ScriptLine(.text("quit")))
    script.turn()
    #expect(script.hasFinished)
  }

  @Test("exit codes have their precedence")
  func precedence() {
    let order: [TestTaskClientCore.ExitStatus] = [
      .success, .commandFailed, .connectionLost, .timedOut, .protocolViolation, .interrupted,
    ]
    #expect(order.shuffled().max() == .interrupted)
    #expect(order.shuffled().sorted() == order)
  }
}
