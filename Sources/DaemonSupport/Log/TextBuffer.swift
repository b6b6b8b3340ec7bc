/// Bytes of text in memory that is used again: appending allocates nothing once it has grown to the
/// longest text, and since the value cannot be copied, nothing is retained or released.
@safe
struct TextBuffer: ~Copyable {
  private var start: UnsafeMutablePointer<UInt8>
  private var capacity = 512
  private(set) var count = 0

  init() { unsafe start = .allocate(capacity: capacity) }

  deinit { unsafe start.deallocate() }

  /// Lends what was appended.
  func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
    body(unsafe UnsafeBufferPointer(start: start, count: count).span.bytes)
  }

  mutating func removeAll() { count = 0 }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    makeRoom(for: 1)
    unsafe start[count] = byte
    count += 1
  }

  @inline(__always)
  mutating func append(_ text: StaticString) {
    unsafe append(text.utf8Start, text.utf8CodeUnitCount)
  }

  @inline(__always)
  mutating func append(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { unsafe append(base, source.count) }
    }
  }

  @inline(__always)
  private mutating func append(_ source: UnsafeRawPointer, _ byteCount: Int) {
    makeRoom(for: byteCount)
    unsafe UnsafeMutableRawPointer(start + count).copyMemory(from: source, byteCount: byteCount)
    count += byteCount
  }

  /// Appends a field's name between what stands before and after all names, and makes room for
  /// `more` bytes behind it.
  @inline(__always)
  mutating func append(
    _ before: StaticString, _ name: StaticString, _ after: StaticString, roomFor more: Int
  ) {
    makeRoom(
      for: before.utf8CodeUnitCount + name.utf8CodeUnitCount + after.utf8CodeUnitCount + more)
    appendInRoom(before)
    appendInRoom(name)
    appendInRoom(after)
  }

  @inline(__always)
  private mutating func appendInRoom(_ text: StaticString) {
    let length = text.utf8CodeUnitCount
    let target = unsafe UnsafeMutableRawPointer(start + count)
    unsafe target.copyMemory(from: text.utf8Start, byteCount: length)
    count += length
  }

  /// Appends a number in its up to 20 decimal digits.
  @inline(__always)
  mutating func append(decimal number: UInt64) {
    guard number >= 10 else { return append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number)) }
    appendLonger(decimal: number)
  }

  @inline(never)
  private mutating func appendLonger(decimal number: UInt64) {
    makeRoom(for: 20)
    var end = count + 1
    var bound: UInt64 = 10
    // The bound that would overflow is never reached: it would be of the 21st digit.
    while end < count + 20, number >= bound {
      end += 1
      bound = bound &* 10
    }
    var rest = number
    var place = end
    while place > count {
      place -= 1
      unsafe start[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count = end
  }

  @inline(__always)
  private mutating func makeRoom(for more: Int) {
    if capacity - count < more { grow(by: more) }
  }

  @inline(never)
  private mutating func grow(by more: Int) {
    let larger = max(2 * capacity, count + more)
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    unsafe memory.update(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = memory
    capacity = larger
  }
}
