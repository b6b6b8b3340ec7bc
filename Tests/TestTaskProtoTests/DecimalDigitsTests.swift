import Testing

@testable import TestTaskProto

@Suite struct DecimalDigitsTests {
  @Test func `a number has as many digits as are written of it, at every length`() {
    var number: UInt64 = 1
    for _ in 0..<20 {
      for value in [number - 1, number, number &* 10 &- 1] {
        #expect(DecimalDigits.count(of: value) == String(value).utf8.count, "\(value)")
        var text = [UInt8](repeating: 0x2A, count: DecimalDigits.most + 2)
        var span = text.mutableSpan
        let count = DecimalDigits.count(of: value)
        DecimalDigits.write(value, count: count, at: 1, in: &span)
        #expect(String(decoding: text[...count], as: UTF8.self) == "*\(value)")
        #expect(text[count + 1] == 0x2A)
      }
      number = number &* 10
    }
  }

  @Test(arguments: [
    (0, 3, "000"), (7, 3, "007"), (999, 3, "999"), (1_000, 3, "000"), (2_026, 2, "26"),
  ])
  func `fewer digits are filled up with zeros, and of more the last are written`(
    number: Int, count: Int, text: String
  ) {
    #expect(DecimalDigits.text(number, count: count) == text)
  }
}
