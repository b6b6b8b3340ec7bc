/// Bytes on their way out: memory that stays in place while libuv holds its address.
///
/// One allocation, made when it is needed, holds a header and the bytes behind it. The value cannot
/// be copied: going from the pool to a connection and back takes no retain or release.
@safe struct WriteBuffer: ~Copyable {
  @safe fileprivate struct Header {
    var count = 0
    var capacity: Int
    /// The buffer below this one on the pool's stack.
    var below: UnsafeMutablePointer<Header>?
  }

  /// `nil`: no bytes, and no memory for any.
  fileprivate var header: UnsafeMutablePointer<Header>?

  /// An empty buffer without memory.
  init() {}

  deinit { unsafe UnsafeMutableRawPointer(header)?.deallocate() }

  var count: Int { unsafe header?.pointee.count ?? 0 }
  var isEmpty: Bool { count == 0 }

  /// The bytes; their address is valid until the buffer changes.
  var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: header.map(Self.start), count: count)
  }

  private static func start(_ header: UnsafeMutablePointer<Header>) -> UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(header + 1)
  }

  /// Appends a copy of `bytes`; a buffer without memory takes some from `pool`.
  ///
  /// Only for a buffer that libuv does not hold.
  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer, pool: inout WriteBufferPool) {
    guard let source = bytes.baseAddress else { return }
    var header = unsafe header ?? pool.take()
    let needed = unsafe header.pointee.count + bytes.count
    if unsafe needed > header.pointee.capacity { unsafe header = Self.grow(header, to: needed) }
    unsafe (Self.start(header) + header.pointee.count).copyMemory(
      from: source, byteCount: bytes.count)
    unsafe header.pointee.count = needed
    unsafe self.header = unsafe header
  }

  /// Larger memory with the same bytes, in place of the old.
  @inline(never)
  private static func grow(
    _ header: UnsafeMutablePointer<Header>, to needed: Int
  ) -> UnsafeMutablePointer<Header> {
    let grown = unsafe Self.allocate(capacity: max(header.pointee.capacity * 2, needed))
    unsafe grown.pointee.count = header.pointee.count
    unsafe Self.start(grown).copyMemory(
      from: Self.start(header), byteCount: header.pointee.count)
    unsafe header.deallocate()
    return unsafe grown
  }

  fileprivate static func allocate(capacity: Int) -> UnsafeMutablePointer<Header> {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<Header>.stride + capacity, alignment: MemoryLayout<Header>.alignment)
    let header = unsafe memory.bindMemory(to: Header.self, capacity: 1)
    unsafe header.initialize(to: Header(capacity: capacity))
    return unsafe header
  }
}

/// Memory that no connection's buffer needs now: a reply in steady state allocates nothing, and an
/// idle connection holds none.
///
/// A stack: the memory used last, which is still in the processor's caches, is used next.
@safe struct WriteBufferPool: ~Copyable {
  static let firstCapacity = 4096
  static let largestKept = 65536
  static let mostKept = 64

  private var top: UnsafeMutablePointer<WriteBuffer.Header>?
  private var kept = 0

  deinit {
    var next = unsafe top
    while let header = unsafe next {
      unsafe next = header.pointee.below
      unsafe header.deallocate()
    }
  }

  @inline(__always)
  fileprivate mutating func take() -> UnsafeMutablePointer<WriteBuffer.Header> {
    unsafe pop() ?? WriteBuffer.allocate(capacity: Self.firstCapacity)
  }

  @inline(__always)
  private mutating func pop() -> UnsafeMutablePointer<WriteBuffer.Header>? {
    guard let header = unsafe top else { return nil }
    unsafe top = header.pointee.below
    kept -= 1
    return unsafe header
  }

  /// Takes the memory of a buffer, which is empty then.
  @inline(__always)
  mutating func drain(_ buffer: inout WriteBuffer) {
    guard let header = unsafe buffer.header else { return }
    unsafe buffer.header = nil
    guard unsafe header.pointee.capacity <= Self.largestKept, kept < Self.mostKept else {
      return unsafe header.deallocate()
    }
    unsafe header.pointee.count = 0
    unsafe header.pointee.below = top
    unsafe top = header
    kept += 1
  }
}
