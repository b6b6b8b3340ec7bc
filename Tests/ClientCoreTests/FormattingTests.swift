import TestTaskProgramBasics
import TestTaskProto
import Testing

@testable import TestTaskClientCore

@Suite struct FormattingTests {
  private let time: Int64 = 1_795_377_600_123_456_789
  private var request: Request {
    Request(id: 7, kind: .slow(seconds: 5), sentAt: Moment(.zero))
  }

  private func format(
    _ event: SessionEvent, _ time: Int64, _ formatter: inout EventFormatter
  ) -> String? {
    formatter.line(for: event, at: time)
  }

  @Test(
    "the calendar is right",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ])
  func calendar(milliseconds: Int64, text: String) {
    var formatter = EventFormatter(stamp: .utc)
    #expect(
      format(.sent(request), milliseconds * 1_000_000, &formatter) == "\(text) sent #7 (slow 5)")
  }

  @Test("no moment traps", arguments: [Int64.min, .max])
  func extremes(nanoseconds: Int64) {
    for stamp in EventFormatter.Stamp.allCases {
      var formatter = EventFormatter(stamp: stamp)
      _ = format(.sent(request), 0, &formatter)
      #expect(
        format(.sent(request), nanoseconds, &formatter)?.hasSuffix("sent #7 (slow 5)") == true)
    }
  }

  @Test("JSON lines have the documented keys")
  func json() throws {
    var formatter = EventFormatter(isJSON: true)
    let peer = Target(host: "::1", port: 9)
    let fast = Request(id: 1, kind: .fast, sentAt: Moment(.zero))
    let lines: [(SessionEvent, String)] = [
      (.connecting(peer), #""event":"connecting","peer":"[::1]:9""#),
      (.connected(peer), #""event":"connected","peer":"[::1]:9""#),
      (
        .connectFailed(peer, .failed(reason: "x"), retryIn: .milliseconds(1500)),
        #""event":"connect_failed","peer":"[::1]:9","reason":"x","retry_in_s":1.5"#
      ),
      (
        .disconnected(peer, .closedByServer, retryIn: nil),
        #""event":"disconnected","peer":"[::1]:9","reason":"closed by the server""#
      ),
      (.sent(fast), #""event":"sent","id":1,"type":"fast""#),
      (.sent(request), #""event":"sent","id":7,"type":"slow","sleep_s":5"#),
      (
        .received(fast, .fast(serverTime: "a\"\u{1b}\\"), roundTrip: .microseconds(345)),
        #""event":"received","id":1,"type":"fast","rtt_us":345,"server_time":"a\"\u001b\\","#
          + #""notes":["not YYYYMMDDThhmmss.fff"]"#
      ),
      (
        .received(request, .slow(connectedClients: 3), roundTrip: .seconds(5)),
        #""event":"received","id":7,"type":"slow","sleep_s":5,"rtt_us":5000000,"connected_clients":3"#
      ),
      (.skipped(request), #""event":"skipped","id":7,"type":"slow","sleep_s":5"#),
      (
        .lost(fast, .noAnswer(within: .seconds(1))),
        #""event":"lost","id":1,"type":"fast","reason":"no answer within 1 s""#
      ),
      (
        .violation(peer, Violation(kind: .noField, offset: 3, excerpt: [0, 171])),
        #""event":"error","peer":"[::1]:9","reason":"protocol violation: "#
          + #"a message without a known field, at byte 3","violation":"noField","frame_hex":"00ab""#
      ),
    ]
    for (event, members) in lines {
      let expected = #"{"ts":"2026-11-22T20:00:00.123Z",\#(members)}"#
      #expect(format(event, time, &formatter) == expected)
    }
  }

  @Test("lines for people carry the stamp that was asked for")
  func stamps() {
    var formatter = EventFormatter(stamp: .utc)
    #expect(
      format(.sent(request), time, &formatter)
        == "2026-11-22T20:00:00.123Z sent #7 (slow 5)")
    formatter.stamp = .local
    let local = format(.sent(request), time, &formatter) ?? ""
    #expect(local.hasSuffix(":00.123 sent #7 (slow 5)"))
    #expect(local.utf8.count == "20:00:00.123 sent #7 (slow 5)".utf8.count)
    formatter.stamp = .none
    #expect(format(.sent(request), time, &formatter) == "sent #7 (slow 5)")
    formatter.stamp = .delta
    let later = time + 1_234_567_000
    #expect(format(.sent(request), later, &formatter) == "+1.234 sent #7 (slow 5)")
    #expect(format(.sent(request), time, &formatter) == "+0.000 sent #7 (slow 5)")
  }

  @Test("what a server says cannot steer the terminal")
  func hostile() {
    let text = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{7f}\r\n\t\u{0}é字\\"
    let answer = Answer.fast(serverTime: text)
    for isJSON in [false, true] {
      var formatter = EventFormatter(isJSON: isJSON, stamp: .none)
      let event = SessionEvent.received(request, answer, roundTrip: .zero)
      let line = formatter.line(for: event, at: time) ?? ""
      #expect(!line.isEmpty)
      #expect(line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
      #expect(line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .format })
      #expect(line.contains("é字\\\\"))
    }
    #expect(
      text.escapedForTerminal
        == #"\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{7f}\r\n\t\u{0}é字\\"#)
  }

  @Test("lines of the log that were lost are counted, in JSON as an error")
  func lost() {
    var formatter = EventFormatter(stamp: .none)
    #expect(
      formatter.line(forLost: 2, at: time) == "2 lines of the log could not be written")
    formatter.isJSON = true
    #expect(
      formatter.line(forLost: 1, at: 0)
        == #"{"ts":"1970-01-01T00:00:00.000Z","event":"error","#
        + #""reason":"1 line of the log could not be written"}"#)
  }

  @Test("colour is only where it was asked for, and a skipped tick is told once a request")
  func colour() {
    var skipping = request
    var formatter = EventFormatter(isColoured: true, stamp: .none)
    skipping.skippedTicks = 1
    #expect(format(.skipped(skipping), time, &formatter)?.hasPrefix("\u{1b}[33m") == true)
    skipping.skippedTicks = 2
    #expect(format(.skipped(skipping), time, &formatter) == nil)
    formatter.isColoured = false
    let event = SessionEvent.received(
      skipping, .slow(connectedClients: 1), roundTrip: .milliseconds(5012))
    #expect(
      format(event, time, &formatter)
        == "received #7 (slow 5): 1 client in 5012 ms (2 ticks skipped)")
  }

  @Test(
    "milliseconds have as many decimals as are worth reading, and are cut off",
    arguments: [
      (0, "0.000"), (-1, "0.000"), (213_999, "0.213"), (9_999_999, "9.999"), (10_000_000, "10.0"),
      (12_590_000, "12.5"), (99_999_999, "99.9"), (100_000_000, "100"), (1_002_999_999, "1002"),
    ])
  func milliseconds(nanoseconds: Int64, text: String) {
    #expect(Duration.nanoseconds(nanoseconds).readableMilliseconds == text)
  }
}
