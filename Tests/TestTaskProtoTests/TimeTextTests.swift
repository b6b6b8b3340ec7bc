import Testing

@testable import TestTaskProto

@Suite struct TimeTextTests {
  private static let millisecond: Int64 = 1_000_000

  @Test(arguments: [(0, "+00:00"), (-12_600, "-03:30"), (20_700, "+05:45"), (-1_800, "-00:30")])
  func `local time has milliseconds and the offset of its zone`(
    seconds: Int, offset: String
  ) throws {
    let time = try #require(
      Timestamp(year: 2026, month: 11, day: 2, hour: 3, minute: 4, second: 5, millisecond: 7))
    var text: [UInt8] = []
    time.appendRFC3339(to: &text, offsetInSeconds: seconds)
    #expect(String(decoding: text, as: UTF8.self) == "2026-11-02T03:04:05.007" + offset)
  }

  @Test(arguments: [
    (0, ".000"), (999_999_999, ".999"), (1_000_000_000, ".000"), (1_123_456_789, ".123"),
    (-1, ".999"), (-1_000_000_000, ".000"),
  ])
  func `milliseconds are cut, before 1970 too`(nanoseconds: Int64, fraction: String) {
    var time = TimeText(.local)
    time.update(wallClockNanoseconds: nanoseconds)
    #expect(time.text.count == 29)
    #expect(String(decoding: time.text[19..<23], as: UTF8.self) == fraction)
  }

  @Test func `in UTC it ends with Z`() {
    var time = TimeText(.utc)
    time.update(wallClockNanoseconds: 1_763_841_600_123_999_999)
    #expect(String(decoding: time.text, as: UTF8.self) == "2025-11-22T20:00:00.123Z")
  }

  @Test func `a remembered text never shows at another time`() {
    var time = TimeText(.utc)
    for moment: Int64 in [0, 1, 999, 1_000, 1_001, 1_000, 0, 61_000, 60_999, -1, 0] {
      var fresh = TimeText(.utc)
      time.update(wallClockNanoseconds: moment * Self.millisecond)
      fresh.update(wallClockNanoseconds: moment * Self.millisecond)
      #expect(time.text == fresh.text)
    }
  }
}
