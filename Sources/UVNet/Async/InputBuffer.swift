/// Received bytes that no task has read yet.
struct InputBuffer {
  private var bytes: [UInt8] = []
  private var head = 0

  /// Memory that is kept for the next bytes when all are read.
  static let keptCapacity = 4096

  var count: Int { bytes.count - head }
  var isEmpty: Bool { bytes.count == head }

  mutating func append(_ more: UnsafeRawBufferPointer) {
    if head > 0, head >= bytes.count / 2 {
      bytes.removeFirst(head)
      head = 0
    }
    unsafe bytes.append(contentsOf: more)
  }

  /// Calls `body` with all bytes.
  func withBytes<R, Failure: Error>(_ body: (RawSpan) throws(Failure) -> R) throws(Failure) -> R {
    try body(unsafe bytes.span.extracting(droppingFirst: head).bytes)
  }

  /// Forgets the first `count` bytes.
  mutating func consume(_ count: Int) {
    head += count
    guard head == bytes.count else { return }
    head = 0
    if bytes.capacity > Self.keptCapacity {
      bytes = []
    } else {
      bytes.removeAll(keepingCapacity: true)
    }
  }
}
