import TestTaskProto
import Testing

@testable import TestTaskClientCore

/// Drives a session by plain calls, on a clock of its own.
@Suite struct SessionTests {
  private func instant(_ milliseconds: UInt64) -> Moment {
    Moment(.milliseconds(milliseconds))
  }

  private func events(_ actions: [SessionAction]) -> [SessionEvent] {
    actions.compactMap { if case .log(let event) = $0 { event } else { nil } }
  }

  private let target = Target(host: "127.0.0.1", port: 1)

  private func session(
    reconnect: Duration? = .seconds(3), timeout: Duration? = nil
  ) -> Session {
    Session(reconnectDelay: reconnect, answerTimeout: timeout, connectTimeout: .seconds(5))
  }

  private func connected(
    reconnect: Duration? = .seconds(3), timeout: Duration? = nil
  ) throws -> Session {
    var session = session(reconnect: reconnect, timeout: timeout)
    _ = try session.connect(to: target, at: instant(0))
    _ = session.connected(at: instant(0))
    return session
  }

  @Test("a request is sent once, and its answer measured")
  func request() throws {
    var session = try connected()
    let sent = try session.send(.fast, at: instant(10))
    #expect(sent.contains(.send(.fast)))
    let request = try #require(session.unanswered)
    #expect(request.id == 1)
    let actions = session.received(.fast(serverTime: "now"), at: instant(12))
    #expect(
      actions == [
        .log(.received(request, .fast(serverTime: "now"), roundTrip: .milliseconds(2)))
      ])
    #expect(session.state == .idle)
    #expect(session.statistics.answered == 1)
  }

  @Test("a second request is refused while one is unanswered, and so is one without connection")
  func refusals() throws {
    var session = session()
    #expect(throws: CommandError(message: "not sent: not connected")) {
      try session.send(.fast, at: instant(0))
    }
    #expect(throws: CommandError.self) { try session.connect(to: nil, at: instant(0)) }
    session = try connected()
    _ = try session.send(.slow(seconds: 1), at: instant(0))
    #expect(throws: CommandError(message: "not sent: request #1 (slow 1) is unanswered")) {
      try session.send(.fast, at: instant(0))
    }
  }

  @Test("a failed attempt is repeated after the delay, and not a moment before")
  func retry() throws {
    var session = session()
    #expect(
      try session.connect(to: target, at: instant(0))
        == [.log(.connecting(target)), .connect(target, timeout: .seconds(5))])
    #expect(session.deadline == nil)
    let failed = session.connectFailed("refused", at: instant(7))
    let cause = LossCause.failed(reason: "refused")
    #expect(failed == [.log(.connectFailed(target, cause, retryIn: .seconds(3)))])
    #expect(session.deadline == instant(3007))
    let early = instant(3007).advanced(by: .nanoseconds(-1))
    #expect(session.advance(to: early) == [])
    #expect(session.advance(to: instant(3007)).contains(.connect(target, timeout: .seconds(5))))
    // The attempt is under way: time begins no other.
    #expect(session.advance(to: instant(60_000)) == [])
    #expect(session.deadline == nil)
  }

  @Test("the delay can be changed while it runs, and off ends it")
  func changedDelay() throws {
    var session = try connected()
    _ = session.connectionLost(.closedByServer, at: instant(100))
    #expect(session.retryAt == instant(3100))
    session.setReconnectDelay(.seconds(1))
    #expect(session.retryAt == instant(1100))
    session.setReconnectDelay(nil)
    #expect(session.deadline == nil)
    session.setReconnectDelay(.seconds(2))
    #expect(session.retryAt == instant(2100))
    #expect(session.disconnect(at: instant(200)) == [])
    #expect(session.deadline == nil)
  }

  @Test("a lost connection loses its request")
  func loss() throws {
    var session = try connected()
    _ = try session.send(.fast, at: instant(0))
    let request = try #require(session.unanswered)
    let cause = LossCause.failed(reason: "no route to host")
    #expect(
      session.connectionLost(cause, at: instant(5)) == [
        .log(.lost(request, cause)), .close,
        .log(.disconnected(target, cause, retryIn: .seconds(3))),
      ])
    #expect(session.statistics.lost == 1)
    #expect(session.connectionLost(cause, at: instant(6)) == [])
  }

  @Test("connect goes elsewhere at once, and stays where it is when told nothing new")
  func connectAgain() throws {
    var session = try connected()
    #expect(try session.connect(to: nil, at: instant(1)) == [])
    let other = Target(host: "127.0.0.1", port: 2)
    let actions = try session.connect(to: other, at: instant(1))
    #expect(actions.first == .close)
    #expect(actions.last == .connect(other, timeout: .seconds(5)))
    // An attempt gives way to another; it never was a connection.
    let third = Target(host: "127.0.0.1", port: 3)
    let again = try session.connect(to: third, at: instant(2))
    #expect(again.first == .close)
    #expect(events(again).first == .connectFailed(other, .user, retryIn: nil))
    _ = session.connectFailed("refused", at: instant(3))
    #expect(
      try session.connect(to: nil, at: instant(4)).contains(.connect(third, timeout: .seconds(5))))
  }

  @Test("an answer that is late ends the connection")
  func answerTimeout() throws {
    var session = try connected(timeout: .milliseconds(500))
    _ = try session.send(.fast, at: instant(0))
    let request = try #require(session.unanswered)
    #expect(session.deadline == instant(500))
    #expect(session.advance(to: instant(499)) == [])
    let cause = LossCause.noAnswer(within: .milliseconds(500))
    let actions = session.advance(to: instant(500))
    #expect(actions.prefix(2) == [.log(.lost(request, cause)), .close])
    #expect(session.retryAt == instant(3500))
    // What still came from the old connection is nobody's.
    #expect(session.received(.fast(serverTime: ""), at: instant(501)) == [])
  }

  @Test("an answer that nobody asked for, or of the wrong kind, is a violation")
  func violations() throws {
    var session = try connected()
    var actions = session.received(.fast(serverTime: ""), at: instant(1))
    let bytes = Answer.fast(serverTime: "").frame
    let violation = Violation(kind: .unexpectedMessage, offset: 0, excerpt: bytes)
    #expect(events(actions).first == .violation(target, violation))
    #expect(actions.contains(.close))
    session = try connected()
    _ = try session.send(.slow(seconds: 0), at: instant(1))
    #expect(!session.expects(.fast(serverTime: "")))
    actions = session.received(.fast(serverTime: ""), at: instant(2))
    #expect(actions.contains(.close))
    #expect(session.statistics.lost == 1)
    #expect(session.statistics.answered == 0)
  }

  @Test("half an answer has ten seconds, and other bytes of it give it no more")
  func incompleteAnswer() throws {
    var session = try connected()
    _ = try session.send(.slow(seconds: 60), at: instant(0))
    let frame = Answer.slow(connectedClients: 1).frame
    #expect(session.received(Array(frame.prefix(2)), at: instant(1000)) == [])
    #expect(session.deadline == instant(11_000))
    #expect(session.received([frame[2]], at: instant(10_999)) == [])
    #expect(session.advance(to: instant(10_999)) == [])
    let cause = LossCause.incompleteAnswer(byteCount: 3, within: .seconds(10))
    #expect(cause.reason == "only 3 bytes of an answer within 10 s")
    #expect(cause.exitStatus == .timedOut)
    let logged = events(session.advance(to: instant(11_000)))
    #expect(logged.last == .disconnected(target, cause, retryIn: .seconds(3)))
    #expect(session.deadline == instant(14_000))
  }

  @Test(
    "an answer that is completed has no limit any more, and the next has ten seconds of its own")
  func completedAnswer() throws {
    var session = try connected()
    let frame = Answer.slow(connectedClients: 1).frame
    _ = try session.send(.slow(seconds: 0), at: instant(0))
    _ = session.received(Array(frame.prefix(2)), at: instant(1000))
    _ = session.received(Array(frame.dropFirst(2)), at: instant(2000))
    #expect(session.deadline == nil)
    _ = try session.send(.slow(seconds: 0), at: instant(3000))
    _ = session.received(Array(frame.prefix(2)), at: instant(4000))
    // Its end and the beginning of another come together.
    _ = session.received(Array(frame.dropFirst(2)) + [frame[0]], at: instant(5000))
    #expect(session.deadline == instant(15_000))
    _ = session.streamEnded(at: instant(6000))
    #expect(session.deadline == session.retryAt)
  }

  @Test("an answer timeout does not hide that a part of the answer came")
  func answerTimeoutWithBytes() throws {
    var session = try connected(timeout: .seconds(2))
    _ = try session.send(.fast, at: instant(0))
    _ = session.received([0x17], at: instant(1))
    let cause = LossCause.incompleteAnswer(byteCount: 1, within: .seconds(2))
    #expect(cause.reason == "only 1 byte of an answer within 2 s")
    let actions = session.advance(to: instant(2000))
    #expect(events(actions).last == .disconnected(target, cause, retryIn: .seconds(3)))
  }

  @Test("half an answer of a connection that is gone is no part of the next connection's")
  func oldBytes() throws {
    var session = try connected()
    _ = try session.send(.slow(seconds: 0), at: instant(0))
    let answer = Answer.slow(connectedClients: 1)
    _ = session.received(Array(answer.frame.prefix(3)), at: instant(1))
    _ = session.connectionLost(.closedByServer, at: instant(2))
    #expect(session.deadline == instant(3002))
    _ = session.advance(to: instant(3002))
    _ = session.connected(at: instant(3003))
    #expect(session.deadline == nil)
    _ = try session.send(.slow(seconds: 0), at: instant(3003))
    let request = try #require(session.unanswered)
    #expect(
      session.received(answer, at: instant(3004))
        == [.log(.received(request, answer, roundTrip: .milliseconds(1)))])
  }

  @Test("an end inside an answer is a violation, and any other end is the server's")
  func streamEnd() throws {
    var session = try connected()
    #expect(
      session.streamEnded(at: instant(1)).last
        == .log(.disconnected(target, .closedByServer, retryIn: .seconds(3))))
    session = try connected()
    _ = session.received([0x17], at: instant(1))
    let violation = Violation(kind: .truncated, offset: 0, excerpt: [0x17])
    #expect(
      events(session.streamEnded(at: instant(1))).first == .violation(target, violation))
  }

  @Test("periodic ticks send, or are skipped and counted while one is unanswered")
  func periodic() throws {
    var session = try connected()
    #expect(
      session.startPeriodic(.fast, every: .milliseconds(10), at: instant(0)).contains(.send(.fast)))
    #expect(session.deadline == instant(10))
    #expect(events(session.advance(to: instant(10))).count == 1)
    #expect(events(session.advance(to: instant(20))).count == 1)
    #expect(session.statistics.skipped == 2)
    #expect(session.unanswered?.skippedTicks == 2)
    _ = session.received(.fast(serverTime: ""), at: instant(25))
    #expect(session.advance(to: instant(29)) == [])
    #expect(session.advance(to: instant(30)).contains(.send(.fast)))
    session.stopPeriodic()
    #expect(session.deadline == nil)
  }

  @Test("ticks keep their beat after a pause of the program, without a burst")
  func missedTicks() throws {
    var session = try connected()
    _ = session.startPeriodic(.fast, every: .milliseconds(10), at: instant(0))
    _ = session.received(.fast(serverTime: ""), at: instant(1))
    #expect(session.advance(to: instant(5004)).contains(.send(.fast)))
    #expect(session.deadline == instant(5010))
    #expect(session.statistics.skipped == 0)
  }

  @Test("the periodic mode rests without a connection and goes on after a reconnect")
  func periodicReconnect() throws {
    var session = try connected()
    _ = session.startPeriodic(.slow(seconds: 1), every: .milliseconds(100), at: instant(0))
    _ = session.connectionLost(.closedByServer, at: instant(50))
    #expect(session.deadline == instant(3050))
    #expect(!session.advance(to: instant(3050)).contains(.send(.slow(seconds: 1))))
    #expect(session.connected(at: instant(3060)).contains(.send(.slow(seconds: 1))))
    #expect(session.deadline == instant(3160))
    #expect(session.statistics.skipped == 0)
  }

  @Test("whatever happens, one attempt and one request at most")
  func chaos() throws {
    var random = SystemRandomNumberGenerator()
    var session = session(timeout: .seconds(2))
    var now: UInt64 = 0
    var attempts = 0
    var isConnected = false
    var inFlight = 0
    var lastEnd: UInt64?
    func check(_ actions: [SessionAction], byTime: Bool = false) {
      for action in actions {
        switch action {
        case .connect:
          #expect(attempts == 0 && !isConnected)
          if byTime, let lastEnd { #expect(now >= lastEnd + 3000) }
          attempts = 1
        case .close: (attempts, isConnected, inFlight) = (0, false, 0)
        case .send:
          #expect(isConnected && inFlight == 0)
          inFlight = 1
        case .log(.disconnected), .log(.connectFailed): lastEnd = now
        case .log: break
        }
      }
    }
    for _ in 0..<50_000 {
      now += UInt64.random(in: 0...400, using: &random)
      switch Int.random(in: 0...13, using: &random) {
      case 0: check((try? session.connect(to: target, at: instant(now))) ?? [])
      case 1 where Bool.random(): check(session.disconnect(at: instant(now)))
      case 2: check((try? session.send(.fast, at: instant(now))) ?? [])
      case 3:
        let interval = Duration.milliseconds(Int.random(in: 10...1000, using: &random))
        check(session.startPeriodic(.slow(seconds: 1), every: interval, at: instant(now)))
      case 4: session.stopPeriodic()
      case 5, 6:
        if attempts == 1 { (attempts, isConnected) = (0, true) }
        check(session.connected(at: instant(now)))
      case 7:
        if attempts == 1 { attempts = 0 }
        check(session.connectFailed("x", at: instant(now)))
      case 8:
        check(session.connectionLost(.closedByServer, at: instant(now)))
      case 9:
        if session.expects(.fast(serverTime: "")) { inFlight = 0 }
        check(session.received(.fast(serverTime: ""), at: instant(now)))
      case 10:
        if session.expects(.slow(connectedClients: 1)) { inFlight = 0 }
        check(session.received(.slow(connectedClients: 1), at: instant(now)))
      default: check(session.advance(to: instant(now)), byTime: true)
      }
    }
  }

  @Test("settings are printed as commands that can be read back")
  func settings() throws {
    var session = try connected(reconnect: nil, timeout: .milliseconds(2500))
    _ = session.startPeriodic(.slow(seconds: 3), every: .milliseconds(250), at: instant(0))
    #expect(
      session.settings == [
        "reconnect off", "timeout 2.5", "connect 127.0.0.1:1", "every 250 slow 3",
      ])
    for line in session.settings {
      #expect(try CommandParser(allowsNames: false).parse(line) != nil)
    }
    // A path may hold what ends a word.
    let socket = try Target(reading: "unix:./x y")
    _ = try session.connect(to: socket, at: instant(1))
    let lines = session.settings
    #expect(lines.contains("connect \"unix:./x y\""))
    let commands = try lines.map { try CommandParser(allowsNames: false).parse($0) }
    #expect(commands.contains(.connect(socket)))
  }

  @Test("the status says where the session stands, and for how long")
  func status() throws {
    var session = session()
    #expect(session.status(at: instant(0)) == ["target: none", "not connected"])
    _ = try session.connect(to: target, at: instant(0))
    #expect(session.status(at: instant(0)) == ["target: 127.0.0.1:1", "connecting"])
    _ = session.connectFailed("x", at: instant(0))
    #expect(session.status(at: instant(550)).last == "not connected, next try in 2.4 s")
    _ = session.advance(to: instant(3000))
    _ = session.connected(at: instant(3000))
    #expect(session.status(at: instant(3000)).last == "connected, nothing is unanswered")
    _ = session.startPeriodic(.slow(seconds: 5), every: .milliseconds(100), at: instant(3000))
    #expect(
      session.status(at: instant(4290)) == [
        "target: 127.0.0.1:1", "connected, #1 (slow 5) is unanswered for 1.2 s", "every 100 slow 5",
      ])
  }

  @Test("the prompt shows target, state, countdown and period")
  func prompt() throws {
    var session = session()
    func text(_ milliseconds: UInt64) -> String {
      PromptText.text(for: session, at: instant(milliseconds))
    }
    #expect(text(0) == "not connected>")
    _ = try session.connect(to: target, at: instant(0))
    #expect(text(0) == "connecting to 127.0.0.1:1>")
    _ = session.connectFailed("x", at: instant(0))
    #expect(text(0) == "not connected (retry in 3s)>")
    #expect(text(1001) == "not connected (retry in 2s)>")
    _ = session.advance(to: instant(3000))
    _ = session.connected(at: instant(3000))
    #expect(text(3000) == "127.0.0.1:1>")
    _ = try session.send(.slow(seconds: 5), at: instant(3000))
    #expect(text(4500) == "127.0.0.1:1 (#1 slow 4s left)>")
    #expect(text(9100) == "127.0.0.1:1 (#1 slow 6s)>")
    _ = session.received(.slow(connectedClients: 1), at: instant(9100))
    _ = session.startPeriodic(.fast, every: .milliseconds(100), at: instant(9200))
    #expect(text(9300) == "127.0.0.1:1 (every 100 fast)>")
    #expect(text(12_200) == "127.0.0.1:1 (#2 fast 3s, every 100 fast)>")
  }
}
