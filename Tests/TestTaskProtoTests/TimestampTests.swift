import TestTaskProto
import Testing

@Suite("Timestamps")
struct TimestampTests {
  @Test("the example of the task is written and read")
  func example() throws {
    let timestamp = try #require(
      Timestamp(year: 1985, month: 10, day: 19, hour: 5, minute: 1, second: 7, millisecond: 333))
    #expect("\(timestamp)" == "19851019T050107.333")
    #expect(Timestamp("19851019T050107.333") == timestamp)
    var bytes: [UInt8] = [0xEE]
    timestamp.append(to: &bytes)
    #expect(bytes.dropFirst().elementsEqual("19851019T050107.333".utf8))
  }

  @Test(
    "every field is padded to its width",
    arguments: [
      "00000101T000000.000", "00010203T040506.007", "99991231T235959.999", "20161231T235960.010",
    ])
  func roundTrip(_ text: String) throws {
    let timestamp = try #require(Timestamp(text))
    #expect(timestamp.description == text)
    #expect(text.utf8.count == Timestamp.textByteCount)
  }

  @Test("milliseconds always have three digits")
  func milliseconds() throws {
    for millisecond in 0...999 {
      let timestamp = try #require(
        Timestamp(
          year: 2026, month: 7, day: 1, hour: 0, minute: 0, second: 0, millisecond: millisecond))
      let digits = String(String(millisecond + 1000).dropFirst())
      #expect(timestamp.description == "20260701T000000." + digits)
    }
  }

  @Test(
    "text of another form or of no real time is refused",
    arguments: [
      "", "19851019T050107.33", "19851019T050107.3333", "19851019T050107,333",
      "19851019 050107.333", "19851019t050107.333", "1985-10-19T05:01:07", "+9851019T050107.333",
      "19851019T05010 .333", "1985101९T050107.3", "१९८५१०१९T०५०१०७.३३३", "19851319T050107.333",
      "19850019T050107.333", "19851032T050107.333", "19851000T050107.333", "19850431T050107.333",
      "19850229T050107.333", "19000229T050107.333", "19851019T240107.333", "19851019T056007.333",
      "19851019T050161.333", "19851019T050107.333\n",
    ])
  func refused(_ text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test(
    "29 February is real in leap years only",
    arguments: [
      (2024, true), (2025, false), (2000, true), (1900, false), (2100, false), (0, true),
    ])
  func leapDays(year: Int, isLeap: Bool) {
    let day = Timestamp(
      year: year, month: 2, day: 29, hour: 0, minute: 0, second: 0, millisecond: 0)
    #expect((day != nil) == isLeap)
  }
}
