import Testing

@testable import TestTaskClientCore

@Suite struct StatisticsTests {
  @Test("statistics print counts and round trips")
  func statistics() {
    var statistics = Statistics()
    #expect(statistics.lines == ["sent 0, answered 0, lost 0, skipped 0"])
    statistics.recordAnswer(to: .fast, after: .microseconds(213))
    statistics.recordAnswer(to: .slow(seconds: 1), after: .milliseconds(1002))
    #expect(statistics.lines.count == 3)
    #expect(
      statistics.lines[1]
        == "fast round trip: min 0.213, p50 0.213, p90 0.213, p99 0.213, max 0.213 ms")
    #expect(statistics.lines[2].hasPrefix("slow round trip: min 1002"))
  }
}
