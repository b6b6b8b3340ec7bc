import Testing

@testable import TestTaskDaemonSupport
@testable import TestTaskProgramBasics

@Suite struct LogTextTests {
  /// What stands behind the fields that all lines have.
  private func text(_ format: LogFormat, _ add: (inout LogText) -> Void) -> String {
    var line = LogText(format)
    // Used before, as by a log.
    line.begin(at: Array("then".utf8), .error, "earlier")
    line.add("rest", "of an earlier line")
    line.end()
    line.removeAll()
    line.begin(at: Array("now".utf8), .info, "connect")
    let start = line.content.utf8.count
    add(&line)
    line.end()
    return String(line.content.utf8.dropFirst(start)) ?? "no UTF-8"
  }

  @Test func `a line begins with its time, level and event`() {
    var line = LogText(.logfmt)
    line.begin(at: Array("now".utf8), .warning, "rejected")
    line.end()
    #expect(line.content == "ts=now level=warning event=rejected\n")
    line = LogText(.json)
    line.begin(at: Array("now".utf8), .warning, "rejected")
    line.end()
    #expect(
      line.content
        == "{\"ts\":\"now\",\"level\":\"warning\",\"event\":\"rejected\"}\n")
  }

  @Test func `the same fields in both formats`() {
    let add: (inout LogText) -> Void = {
      $0.add("conn", 17)
      $0.add("peer", "[::1]:51234")
      $0.add("max", UInt64.max)
      $0.add("change", -3)
    }
    #expect(
      text(.logfmt, add) == " conn=17 peer=[::1]:51234 max=18446744073709551615 change=-3\n")
    #expect(
      text(.json, add)
        == ",\"conn\":17,\"peer\":\"[::1]:51234\",\"max\":18446744073709551615,\"change\":-3}\n")
  }

  @Test func `numbers have their digits at every length`() {
    var number: UInt64 = 1
    for _ in 0..<20 {
      for value in [number - 1, number, number &* 10 &- 1] {
        #expect(text(.logfmt) { $0.add("n", value) } == " n=\(value)\n")
      }
      number = number &* 10
    }
    #expect(text(.logfmt) { $0.add("n", Int.min) } == " n=\(Int.min)\n")
  }

  @Test func `text that needs quotes gets them`() {
    #expect(text(.logfmt) { $0.add("m", "a b") } == " m=\"a b\"\n")
    #expect(text(.logfmt) { $0.add("m", "") } == " m=\"\"\n")
    #expect(text(.logfmt) { $0.add("m", "a=b") } == " m=\"a=b\"\n")
    #expect(text(.logfmt) { $0.add("m", "q\"\\\n\u{1B}") } == " m=\"q\\\"\\\\\\n\\u001b\"\n")
    #expect(text(.json) { $0.add("m", "ä\u{9B}\"") } == ",\"m\":\"ä\\u009b\\\"\"}\n")
    #expect(text(.json) { $0.add("m", "") } == ",\"m\":\"\"}\n")
  }

  @Test func `what the program has made itself stands as it is`() {
    #expect(
      text(.logfmt) { $0.add("peer", plain: "unix:pid=1,uid=2") } == " peer=unix:pid=1,uid=2\n")
    #expect(
      text(.json) { $0.add("peer", plain: "unix:pid=1,uid=2") }
        == ",\"peer\":\"unix:pid=1,uid=2\"}\n")
  }

  @Test func `lines stand behind one another until they are removed`() {
    var text = LogText(.logfmt)
    for number in [1, 2] {
      text.begin(at: Array("now".utf8), .info, "connect")
      text.add("conn", number)
      text.end()
    }
    #expect(
      text.content
        == "ts=now level=info event=connect conn=1\nts=now level=info event=connect conn=2\n")
    text.removeAll()
    #expect(text.content.isEmpty)
  }

  @Test func `a line may be as long as it has to be`() {
    let long = String(repeating: "x", count: 100_000)
    #expect(text(.logfmt) { $0.add("m", long) } == " m=\(long)\n")
    #expect(text(.json) { $0.add("m", long + "\n") } == ",\"m\":\"\(long)\\n\"}\n")
  }
}
