import Testing

extension [UInt8] {
  /// The bytes that an even number of hexadecimal digits say; spaces are ignored.
  init(hex text: String) throws {
    let digits = text.filter { $0 != " " }.map(\.hexDigitValue)
    try #require(digits.count.isMultiple(of: 2) && !digits.contains(nil))
    let values = digits.compactMap { $0 }
    self = stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
  }

  /// Two hexadecimal digits a byte, for failure messages.
  var hex: String {
    map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
