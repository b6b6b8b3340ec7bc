import Foundation
import TestTaskProto
import Testing
import UVNetTestKit

/// Serialized, because the time zone belongs to the whole process.
@Suite("Timestamp formatter", .serialized)
struct TimestampFormatterTests {
  /// A formatter in the time zone that a POSIX `TZ` value says; no zone database is needed.
  private func withFormatter(
    in zone: String, _ body: (inout TimestampFormatter) throws -> Void
  ) rethrows {
    let previous = ProcessInfo.processInfo.environment["TZ"]
    setenv("TZ", zone, 1)
    defer {
      if let previous { setenv("TZ", previous, 1) } else { unsetenv("TZ") }
      tzset()
    }
    var formatter = TimestampFormatter()
    try body(&formatter)
  }

  private static let berlin = "CET-1CEST,M3.5.0,M10.5.0/3"
  private static let second: Int64 = 1_000_000_000

  @Test("the example of the task is a moment of 1985")
  func example() {
    withFormatter(in: "UTC0") { formatter in
      let nanoseconds = 498_546_067 * Self.second + 333_999_999
      #expect(formatter.format(wallClockNanoseconds: nanoseconds) == "19851019T050107.333")
    }
  }

  @Test(
    "the time is local",
    arguments: [
      ("UTC0", "20240229T120000.000"), ("<+0545>-5:45", "20240229T174500.000"),
      ("<-03>3", "20240229T090000.000"), ("<+14>-14", "20240301T020000.000"),
      (berlin, "20240229T130000.000"),
    ])
  func localTime(zone: String, expected: String) {
    withFormatter(in: zone) { formatter in
      #expect(formatter.format(wallClockNanoseconds: 1_709_208_000 * Self.second) == expected)
    }
  }

  @Test(
    "a change of daylight saving time shows in the first second that it holds",
    arguments: [
      (1_711_846_800, "20240331T015959.999", "20240331T030000.000"),
      (1_729_990_800, "20241027T025959.999", "20241027T020000.000"),
    ] as [(Int64, String, String)])
  func daylightSaving(change: Int64, before: String, after: String) {
    withFormatter(in: Self.berlin) { formatter in
      let nanoseconds = change * Self.second
      #expect(formatter.format(wallClockNanoseconds: nanoseconds - 1) == before)
      #expect(formatter.format(wallClockNanoseconds: nanoseconds) == after)
      #expect(formatter.format(wallClockNanoseconds: nanoseconds - 1) == before)
    }
  }

  @Test("a moment before 1970 is cut off towards the past")
  func before1970() {
    withFormatter(in: "UTC0") { formatter in
      #expect(formatter.format(wallClockNanoseconds: 0) == "19700101T000000.000")
      #expect(formatter.format(wallClockNanoseconds: -1) == "19691231T235959.999")
      #expect(formatter.format(wallClockNanoseconds: -1_000_000) == "19691231T235959.999")
      #expect(formatter.format(wallClockNanoseconds: -1_000_001) == "19691231T235959.998")
      #expect(formatter.format(wallClockNanoseconds: -Self.second) == "19691231T235959.000")
    }
  }

  @Test("every nanosecond count has a time")
  func extremes() {
    withFormatter(in: "UTC0") { formatter in
      #expect(formatter.format(wallClockNanoseconds: .max) == "22620411T234716.854")
      #expect(formatter.format(wallClockNanoseconds: .min) == "16770921T001243.145")
    }
  }

  @Test(
    "a year that four digits cannot say becomes the first or last second that they can",
    arguments: [
      (253_402_300_799, "99991231T235959.042"), (253_402_300_800, "99991231T235959.042"),
      (.max, "99991231T235959.042"), (-62_167_219_200, "00000101T000000.042"),
      (-62_167_219_201, "00000101T000000.042"), (.min, "00000101T000000.042"),
    ] as [(Int64, String)])
  func yearOutOfRange(second: Int64, expected: String) {
    withFormatter(in: "UTC0") { formatter in
      #expect(formatter.format(second: second, millisecond: 42) == expected)
      #expect(formatter.format(second: second, millisecond: 42) == expected)
    }
  }

  @Test("what is remembered never shows at another time", arguments: seeds)
  func caching(seed: UInt64) {
    withFormatter(in: Self.berlin) { formatter in
      var random = SplitMix64(seed: seed)
      // Across a change of daylight saving time, in steps below and above a second, both ways.
      var nanoseconds = 1_711_846_790 * Self.second
      for _ in 0..<4000 {
        let reach = [1, 1_000_000, 20_000_000, 3_000_000_000][random.below(4)]
        nanoseconds += Int64(random.below(2 * reach + 1) - reach * 95 / 100)
        var fresh = TimestampFormatter()
        let expected = fresh.format(wallClockNanoseconds: nanoseconds)
        guard formatter.format(wallClockNanoseconds: nanoseconds) == expected else {
          Issue.record("seed \(seed): \(nanoseconds) ns should be \(expected)")
          return
        }
      }
    }
  }

  @Test("milliseconds and seconds turn over at their nanosecond")
  func boundaries() {
    withFormatter(in: "UTC0") { formatter in
      let moment = 498_546_067 * Self.second
      #expect(formatter.format(wallClockNanoseconds: moment + 999_999) == "19851019T050107.000")
      #expect(formatter.format(wallClockNanoseconds: moment + 1_000_000) == "19851019T050107.001")
      #expect(formatter.format(wallClockNanoseconds: moment + 999_999_999) == "19851019T050107.999")
      #expect(
        formatter.format(wallClockNanoseconds: moment + 1_000_000_000) == "19851019T050108.000")
    }
  }

  @Test("now is the wall clock's time")
  func now() throws {
    try withFormatter(in: "UTC0") { formatter in
      func wallClock() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) * 1_000_000 }
      var reference = TimestampFormatter()
      let earliest = reference.format(wallClockNanoseconds: wallClock() - 1_000_000)
      let now = formatter.now()
      let latest = reference.format(wallClockNanoseconds: wallClock() + 1_000_000)
      // In UTC the text sorts as the time does.
      #expect(earliest <= now && now <= latest)
      _ = try #require(Timestamp(now))
    }
  }
}
