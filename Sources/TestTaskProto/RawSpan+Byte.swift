extension RawSpan {
  /// The byte at an offset, which must be within the span; the bound is checked.
  @inlinable
  @inline(__always)
  func byte(at offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
