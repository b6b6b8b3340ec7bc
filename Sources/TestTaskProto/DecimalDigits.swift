/// Decimal digits in ASCII, for all code that writes numbers as bytes.
package enum DecimalDigits {
  /// The most that a number has.
  package static var most: Int { 20 }

  /// How many digits a number has, 1 … 20.
  package static func count(of number: UInt64) -> Int {
    var count = 1
    var bound: UInt64 = 10
    // The bound that would overflow is never reached: it would be of the 21st digit.
    while count < most, number >= bound {
      count += 1
      bound = bound &* 10
    }
    return count
  }

  /// Writes the last `count` digits of a number, with zeros in front where it has fewer.
  ///
  /// - Parameters:
  ///   - number: The number.
  ///   - count: How many digits to write.
  ///   - start: Where the first of them goes.
  ///   - text: What is written to; it must reach as far as the digits.
  @inline(__always)
  package static func write(
    _ number: UInt64, count: Int, at start: Int, in text: inout MutableSpan<UInt8>
  ) {
    var rest = number
    var position = start + count
    while position > start {
      position -= 1
      text[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }

  /// Appends the last `count` digits of a number, which is 0 or more.
  package static func append(_ number: Int, count: Int, to text: inout [UInt8]) {
    let start = text.count
    text.append(contentsOf: repeatElement(0, count: count))
    var span = text.mutableSpan
    write(UInt64(number), count: count, at: start, in: &span)
  }

  /// The last `count` digits of a number, which is 0 or more.
  package static func text(_ number: Int, count: Int) -> String {
    var digits: [UInt8] = []
    append(number, count: count, to: &digits)
    return String(decoding: digits, as: UTF8.self)
  }
}
