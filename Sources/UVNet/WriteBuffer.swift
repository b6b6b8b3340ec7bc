/// Bytes on their way out: memory that stays in place while libuv holds its address.
@safe final class WriteBuffer {
  private(set) var start: UnsafeMutableRawPointer
  private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    unsafe start = .allocate(byteCount: capacity, alignment: 16)
    self.capacity = capacity
  }

  deinit { unsafe start.deallocate() }

  /// Copies `bytes` behind what is there.
  ///
  /// Only for a buffer that libuv does not hold.
  func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    if capacity - count < bytes.count { grow(by: bytes.count) }
    unsafe (start + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  func removeAll() { count = 0 }

  private func grow(by addition: Int) {
    let capacity = max(self.capacity * 2, count + addition)
    let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    unsafe grown.copyMemory(from: start, byteCount: count)
    unsafe start.deallocate()
    unsafe start = grown
    self.capacity = capacity
  }
}

/// Buffers that no connection needs now: a reply in steady state allocates nothing, and an idle
/// connection holds none.
final class WriteBufferPool {
  static let firstCapacity = 4096
  static let largestKept = 65536
  static let mostKept = 64

  private var spare: [WriteBuffer] = []

  func take() -> WriteBuffer {
    spare.popLast() ?? WriteBuffer(capacity: Self.firstCapacity)
  }

  func giveBack(_ buffer: WriteBuffer) {
    guard buffer.capacity <= Self.largestKept, spare.count < Self.mostKept else { return }
    buffer.removeAll()
    spare.append(buffer)
  }
}
