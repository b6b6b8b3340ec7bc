import TestTaskProgramBasics
import TestTaskProto
import Testing

@testable import TestTaskDaemonSupport
@testable import TestTaskServerCore

/// What stands behind the level in each line of the log.
@Suite struct LogEventTests {
  private func line(_ name: StaticString, _ addFields: (inout LogText) -> Void) -> String {
    var text = LogText(.logfmt)
    text.begin(at: [], .info, name)
    addFields(&text)
    text.end()
    let line = text.withBytes { bytes in
      bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
    return String(line.dropFirst("ts= level=info ".count).dropLast())
  }

  @Test func `each event has its fields in order`() {
    let events: [(LogEvent, String)] = [
      (
        .connect(conn: 17, peer: "127.0.0.1:51234", via: "[::1]:9", clients: 3),
        "event=connect conn=17 peer=127.0.0.1:51234 via=[::1]:9 clients=3"
      ),
      (
        .connect(conn: 17, peer: "127.0.0.1:51234", clients: 3),
        "event=connect conn=17 peer=127.0.0.1:51234 clients=3"
      ),
      (.request(conn: 1, sleepSeconds: nil), "event=request conn=1 type=fast"),
      (.request(conn: 1, sleepSeconds: 5), "event=request conn=1 type=slow sleep_s=5"),
      (.answer(conn: 1, connectedClients: nil), "event=answer conn=1 type=fast"),
      (
        .answer(conn: 1, connectedClients: 2), "event=answer conn=1 type=slow connected_clients=2"
      ),
      (.rejected(count: 4), "event=rejected count=4"),
      (.acceptFailed("too many open files"), "event=accept_failed error=\"too many open files\""),
      (
        .drain(signal: "SIGTERM", clients: 1, sleeping: 2, dropped: 3),
        "event=drain signal=SIGTERM clients=1 sleeping=2 dropped=3"
      ),
      (.stop(signal: nil), "event=stop"), (.stop(signal: "SIGINT"), "event=stop signal=SIGINT"),
    ]
    for (event, text) in events {
      #expect(line(event.name) { event.addFields(to: &$0) } == text)
    }
  }

  private static let departure = Departure(
    place: 0, number: 17, peer: "[::1]:5", milliseconds: 250, requests: 9, error: nil,
    violation: nil, ending: .gracefully(within: .seconds(5)), reason: .eof, clients: 2, dropped: 0)

  private func line(_ change: (inout Departure) -> Void) -> String {
    var departure = Self.departure
    change(&departure)
    return line(Departure.name) {
      departure.addFields(to: &$0, Traffic(bytesRead: 27, bytesWritten: 200, unsent: 16))
    }
  }

  @Test func `a disconnect says all that there is to say of a client`() {
    let beginning = "event=disconnect conn=17 peer=[::1]:5 reason=eof clients=2 duration_ms=250"
    #expect(line { _ in } == beginning + " requests=9 rx_bytes=27 tx_bytes=216")
    #expect(line { $0.dropped = 3 }.hasSuffix(" tx_bytes=216 dropped=3"))
    #expect(
      line { $0.violation = .frame(ProtocolViolation(kind: .noField, offset: 6)) }
        .hasSuffix(" tx_bytes=216 violation=noField offset=6"))
    #expect(
      line { $0.violation = .proxyHeader }
        .hasSuffix(" tx_bytes=216 violation=malformedProxyHeader offset=0"))
    #expect(line { $0.proxy = "127.0.0.1:9" }.contains(" peer=[::1]:5 via=127.0.0.1:9 reason=eof "))
    #expect(line { $0.error = "read: it broke" }.hasSuffix(" error=\"read: it broke\""))
    #expect(line { $0.reason = .partialFrame }.contains(" reason=partial_frame "))
  }

  @Test(arguments: [
    (Departure.Ending.gracefully(within: .seconds(1)), 216), (.onceSent(within: .seconds(1)), 216),
    (.atOnce, 200), (.done, 200),
  ])
  func `what is not sent yet counts only if it still will be`(
    ending: Departure.Ending, bytes: Int
  ) {
    #expect(line { $0.ending = ending }.hasSuffix(" tx_bytes=\(bytes)"))
  }
}
