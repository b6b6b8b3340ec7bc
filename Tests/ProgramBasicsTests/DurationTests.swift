import Testing

@testable import TestTaskProgramBasics

@Suite struct DurationTests {
  @Test(
    "seconds are read exactly and written back",
    arguments: [
      "0", "1", "0.5", "2.25", "0.000000001", "4294967295", "9999999999.999999999",
    ])
  func seconds(text: String) throws {
    #expect(try #require(Duration(decimalSeconds: text)).decimalSeconds == text)
  }

  @Test(
    "what is no plain number of seconds is refused",
    arguments: [
      "", ".", "1.", ".5", "-1", "+1", "1e3", "0x1", " 1", "1 ", "1.2.3", "١", "12345678901",
      "1.0000000001", "inf", "nan",
    ])
  func noSeconds(text: String) {
    #expect(Duration(decimalSeconds: text) == nil)
  }
}
