extension OutputSpan where Element == UInt8 {
  /// Appends the shortest form of a varint of up to 32 bits; there must be room for it.
  @inline(__always)
  mutating func append(varint value: UInt32) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// Appends bytes in one copy; there must be room for them.
  mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
    unsafe withUnsafeMutableBufferPointer { buffer, initializedCount in
      let free = unsafe UnsafeMutableBufferPointer(rebasing: buffer[initializedCount...])
      unsafe UnsafeMutableRawBufferPointer(free).copyMemory(from: bytes)
      initializedCount += bytes.count
    }
  }

  /// Appends the UTF-8 bytes of a text; there must be room for them.
  @inline(__always)
  mutating func append(utf8Of text: String) {
    let copied: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
      unsafe append(contentsOf: UnsafeRawBufferPointer($0))
    }
    // Swift's own strings are contiguous. The loop is for bridged strings on Darwin.
    if copied == nil {
      for byte in text.utf8 { append(byte) }
    }
  }
}
