import Testing

@testable import TestTaskClientCore

@Suite struct AnswerNoteTests {
  private func line(
    _ kind: RequestKind, _ answer: Answer, after roundTrip: Duration, isJSON: Bool = false
  ) -> String {
    let request = Request(id: 1, kind: kind, sentAt: Moment(.zero))
    var formatter = EventFormatter(isJSON: isJSON, stamp: .none)
    return formatter.line(for: .received(request, answer, roundTrip: roundTrip), at: 0) ?? ""
  }

  @Test(
    "a time in another form is noted behind it",
    arguments: [
      "20261125T204111.123456", "2026-11-25T20:41:11.123", "", "20261125T204111",
      "20261325T204111.123",
      "20261125T204111.12é",
    ])
  func badTimes(time: String) {
    let shown = line(.fast, .fast(serverTime: time), after: .milliseconds(12))
    #expect(
      shown == "received #1 (fast): time \(time) (not YYYYMMDDThhmmss.fff) in 12.0 ms")
    let json = line(.fast, .fast(serverTime: time), after: .milliseconds(12), isJSON: true)
    #expect(json.hasSuffix(#","notes":["not YYYYMMDDThhmmss.fff"]}"#))
  }

  @Test(
    "a slow answer before its time is noted, and one on time is not",
    arguments: [
      (1, .milliseconds(998), "early: 2 ms of 1 s"),
      (1, .microseconds(999_050), "early: 0.95 ms of 1 s"),
      (1, .nanoseconds(999_999_999), "early: 0.001 ms of 1 s"),
      (60, .milliseconds(1500), "early: 58500 ms of 60 s"),
      (1, .seconds(1), nil), (0, .zero, nil), (.max, .seconds(4_294_967_295), nil),
      (.max, .zero, "early: 4294967295000 ms of 4294967295 s"),
    ] as [(UInt32, Duration, String?)])
  func early(seconds: UInt32, roundTrip: Duration, note: String?) {
    let answer = Answer.slow(connectedClients: 1)
    let shown = line(.slow(seconds: seconds), answer, after: roundTrip)
    let json = line(.slow(seconds: seconds), answer, after: roundTrip, isJSON: true)
    if let note {
      #expect(shown.hasSuffix(" ms (\(note))"))
      #expect(json.hasSuffix(#","notes":["\#(note)"]}"#))
    } else {
      #expect(!shown.contains("early"))
      #expect(!json.contains("notes"))
    }
  }

  @Test("a right time has no note")
  func goodTime() {
    let answer = Answer.fast(serverTime: "19851019T050107.333")
    #expect(
      line(.fast, answer, after: .milliseconds(12))
        == "received #1 (fast): time 19851019T050107.333 in 12.0 ms")
    #expect(!line(.fast, answer, after: .milliseconds(12), isJSON: true).contains("notes"))
  }
}
