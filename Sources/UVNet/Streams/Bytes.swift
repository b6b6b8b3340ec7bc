extension Array where Element == UInt8 {
  /// Copies the bytes of a span, such as those that `onData` gets, to keep them.
  public init(_ bytes: RawSpan) { self = unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
}

extension String {
  /// Makes a text of UTF-8 bytes; what is not UTF-8 in them becomes U+FFFD.
  public init(decoding bytes: RawSpan) {
    self = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// Makes a text of UTF-8 bytes, or `nil` when they are not UTF-8.
  public init?(validating bytes: RawSpan) {
    let text = unsafe bytes.withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    guard let text else { return nil }
    self = text
  }
}

extension RawSpan {
  /// One byte, with a bounds check.
  @inlinable
  func byte(at index: Int) -> UInt8 {
    precondition(index >= 0 && index < byteCount)
    return unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }
}
