extension OutputSpan where Element == UInt8 {
  /// Appends bytes in one copy; there must be room for them.
  mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
    withUnsafeMutableBufferPointer { buffer, initializedCount in
      let free = UnsafeMutableBufferPointer(rebasing: buffer[initializedCount...])
      UnsafeMutableRawBufferPointer(free).copyMemory(from: bytes)
      initializedCount += bytes.count
    }
  }

  /// Appends a constant text; there must be room for it.
  @inline(__always)
  mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: UnsafeRawBufferPointer($0)) }
  }

  /// Appends a number in up to 20 decimal digits; there must be room for them.
  mutating func append(decimal number: UInt64) {
    var digitCount = 1
    var bound: UInt64 = 10
    while digitCount < 20, number >= bound {
      digitCount += 1
      // Twenty digits are the most: the bound that would overflow is never looked at.
      bound = bound &* 10
    }
    withUnsafeMutableBufferPointer { buffer, initializedCount in
      var rest = number
      for index in stride(from: initializedCount + digitCount, to: initializedCount, by: -1) {
        buffer[index - 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
      initializedCount += digitCount
    }
  }
}
