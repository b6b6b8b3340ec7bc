import Testing

@testable import TestTaskDaemonSupport

@Suite struct MetricsTextTests {
  private func text(_ add: (inout MetricsText) -> Void) -> String {
    var text = MetricsText()
    add(&text)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  @Test func `a metric has its help, its type and its samples`() {
    #expect(
      text { $0.counter("a_total", "What a is.", 7) }
        == "# HELP a_total What a is.\n# TYPE a_total counter\na_total 7\n")
    #expect(text { $0.gauge("b", "B.", -3) } == "# HELP b B.\n# TYPE b gauge\nb -3\n")
    #expect(
      text { $0.counter("c_total", "C.", by: "reason", [("eof", 1), ("reset", 0)]) }
        .hasSuffix("counter\nc_total{reason=\"eof\"} 1\nc_total{reason=\"reset\"} 0\n"))
    #expect(
      text { $0.gauge("t_seconds", "T.", nanoseconds: 1_500_000_000) }.hasSuffix("t_seconds 1.5\n"))
    #expect(
      text { $0.counter("t_seconds_total", "T.", nanoseconds: 2) }
        .hasSuffix("t_seconds_total 0.000000002\n"))
  }

  @Test func `a label may be any text`() {
    #expect(
      text { $0.info("i", "I.", [("x", "a\"b\\c\nd"), ("y", "\u{E9}")]) }
        .hasSuffix("i{x=\"a\\\"b\\\\c\\nd\",y=\"\u{E9}\"} 1\n"))
  }

  @Test(arguments: [
    (0, "0"), (1, "0.000000001"), (5_000, "0.000005"), (1_000_000_000, "1"),
    (1_010_000_000, "1.01"), (UInt64.max, "18446744073.709551615"),
  ])
  func `nanoseconds are seconds exactly`(nanoseconds: UInt64, seconds: String) {
    #expect(MetricsText.seconds(nanoseconds) == seconds)
  }

  @Test func `a histogram counts up to each bound, itself included`() {
    var histogram = DurationHistogram()
    for bound in DurationHistogram.bounds {
      histogram.add(bound)
      histogram.add(bound + 1)
    }
    let count = UInt64(DurationHistogram.bounds.count)
    #expect(histogram.count == 2 * count)
    #expect(histogram.cumulative == (0..<count).map { 2 * $0 + 1 })
    let lines = text { $0.histogram("h_seconds", "H.", histogram) }.split(separator: "\n")
    #expect(lines.count == 2 + Int(count) + 3)
    #expect(lines[1] == "# TYPE h_seconds histogram")
    #expect(lines[2] == "h_seconds_bucket{le=\"0.000005\"} 1")
    #expect(lines[Int(count) + 2] == "h_seconds_bucket{le=\"+Inf\"} \(2 * count)")
    #expect(lines.last == "h_seconds_count \(2 * count)")
    #expect(lines[Int(count) + 3].hasPrefix("h_seconds_sum 13.33"))
  }

  @Test func `bounds grow`() {
    #expect(zip(DurationHistogram.bounds, DurationHistogram.bounds.dropFirst()).allSatisfy(<))
  }
}
