import Testing

@testable import Server

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct LogLineTests {
  private func text(_ format: LogFormat, _ add: (inout LogLine) -> Void) -> String {
    var line = LogLine(format)
    add(&line)
    line.finish()
    return String(decoding: line.bytes, as: UTF8.self)
  }

  @Test func `the same fields in both formats`() {
    let add: (inout LogLine) -> Void = {
      $0.add("ts") { $0.append(contentsOf: "now".utf8) }
      $0.add("event", "connect")
      $0.add("conn", 17)
      $0.add("peer", "[::1]:51234")
      $0.add("max", UInt64.max)
    }
    #expect(
      text(.logfmt, add)
        == "ts=now event=connect conn=17 peer=[::1]:51234 max=18446744073709551615\n")
    #expect(
      text(.json, add)
        == "{\"ts\":\"now\",\"event\":\"connect\",\"conn\":17,\"peer\":\"[::1]:51234\","
        + "\"max\":18446744073709551615}\n")
  }

  @Test func `text that needs quotes gets them`() {
    #expect(text(.logfmt) { $0.add("m", "a b") } == "m=\"a b\"\n")
    #expect(text(.logfmt) { $0.add("m", "") } == "m=\"\"\n")
    #expect(text(.logfmt) { $0.add("m", "a=b") } == "m=\"a=b\"\n")
    #expect(text(.logfmt) { $0.add("m", "q\"\\\n\u{1B}") } == "m=\"q\\\"\\\\\\n\\u001b\"\n")
    #expect(text(.json) { $0.add("m", "ä\u{9B}\"") } == "{\"m\":\"ä\\u009b\\\"\"}\n")
  }

  @Test func `a timestamp has milliseconds and the offset of its zone`() {
    var fields = tm()
    (fields.tm_year, fields.tm_mon, fields.tm_mday) = (126, 10, 2)
    (fields.tm_hour, fields.tm_min, fields.tm_sec) = (3, 4, 5)
    #expect(
      String(decoding: LogTimestamp.render(fields), as: UTF8.self)
        == "2026-11-02T03:04:05.000+00:00")
    fields.tm_gmtoff = -12_600
    #expect(
      String(decoding: LogTimestamp.render(fields), as: UTF8.self)
        == "2026-11-02T03:04:05.000-03:30")
    fields.tm_gmtoff = 20_700
    #expect(
      String(decoding: LogTimestamp.render(fields), as: UTF8.self)
        == "2026-11-02T03:04:05.000+05:45")
  }

  @Test(arguments: [
    (0, ".000"), (999_999_999, ".999"), (1_000_000_000, ".000"), (1_123_456_789, ".123"),
    (-1, ".999"), (-1_000_000_000, ".000"),
  ])
  func `milliseconds are cut, before 1970 too`(nanoseconds: Int, fraction: String) {
    var timestamp = LogTimestamp()
    var output: [UInt8] = []
    timestamp.append(wallClockNanoseconds: Int64(nanoseconds), to: &output)
    #expect(output.count == 29)
    #expect(String(decoding: output[19..<23], as: UTF8.self) == fraction)
  }
}
