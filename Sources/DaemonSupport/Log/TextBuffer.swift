internal import TestTaskProto

/// A reusable buffer for text: appending allocates nothing once it has grown to the longest text,
/// and since the value cannot be copied, nothing is retained or released.
@safe
struct TextBuffer: ~Copyable {
  private var start: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private(set) var count = 0

  private static let usualCapacity = 4_096
  /// The memory of a text that was longer than this is not kept.
  private static let mostKept = 65_536

  init() {
    capacity = Self.usualCapacity
    unsafe start = .allocate(capacity: capacity)
  }

  deinit { unsafe start.deallocate() }

  /// Lends what was appended.
  func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
    body(unsafe UnsafeBufferPointer(start: start, count: count).span.bytes)
  }

  mutating func removeAll() {
    count = 0
    if capacity > Self.mostKept { move(to: Self.usualCapacity) }
  }

  /// Makes room for `more` bytes, which the `appendInRoom` functions rely on.
  @inline(__always)
  mutating func makeRoom(for more: Int) {
    if capacity - count < more { move(to: max(2 * capacity, count + more)) }
  }

  @inline(__always)
  mutating func append(_ bytes: RawSpan) {
    makeRoom(for: bytes.byteCount)
    unsafe bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { unsafe appendInRoom(base, source.count) }
    }
  }

  /// Appends a byte for which there is room.
  @inline(__always)
  mutating func appendInRoom(_ byte: UInt8) {
    unsafe start[count] = byte
    count += 1
  }

  /// Appends a text for which there is room.
  @inline(__always)
  mutating func appendInRoom(_ text: StaticString) {
    unsafe appendInRoom(text.utf8Start, text.utf8CodeUnitCount)
  }

  /// Appends a number for whose digits there is room.
  @inline(__always)
  mutating func appendInRoom(_ number: UInt64) {
    // Most numbers in a log have one digit.
    guard number >= 10 else {
      return appendInRoom(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
    }
    let digits = DecimalDigits.count(of: number)
    var text = unsafe UnsafeMutableBufferPointer(start: start, count: capacity).mutableSpan
    DecimalDigits.write(number, count: digits, at: count, in: &text)
    count += digits
  }

  @inline(__always)
  private mutating func appendInRoom(_ source: UnsafeRawPointer, _ byteCount: Int) {
    unsafe UnsafeMutableRawPointer(start + count).copyMemory(from: source, byteCount: byteCount)
    count += byteCount
  }

  @inline(never)
  private mutating func move(to capacity: Int) {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    unsafe memory.update(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = memory
    self.capacity = capacity
  }
}
