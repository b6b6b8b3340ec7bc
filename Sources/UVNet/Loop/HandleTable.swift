internal import CLibUV

/// The library's own handles on a loop, closing ones included.
///
/// The loop keeps them itself and does not ask libuv, whose list has the handles of C libraries too:
/// what those have in `data` is theirs, and is no object of ours.
@safe struct HandleTable {
  /// Not retained: each retains itself until its close callback, which takes it out.
  private var handles: [Unmanaged<Handle>] = unsafe []
  /// libuv's side of handles that have no object in ``handles``, until libuv has closed it.
  private var bare: [UnsafeMutablePointer<uv_handle_t>] = unsafe []

  /// Memory for more than this many is given back when none is left.
  private static let keptCapacity = 1024

  var isEmpty: Bool { unsafe handles.isEmpty }

  /// All of them, retained.
  var all: [Handle] { unsafe handles.map { unsafe $0.takeUnretainedValue() } }

  mutating func insert(_ handle: Handle) {
    handle.place = unsafe UInt32(truncatingIfNeeded: handles.count)
    unsafe handles.append(.passUnretained(handle))
  }

  /// Takes a handle out; the last one gets its place.
  mutating func remove(_ handle: Handle) {
    guard let last = unsafe handles.popLast() else { return }
    let place = Int(handle.place)
    if unsafe place < handles.count {
      unsafe handles[place] = last
      unsafe last._withUnsafeGuaranteedRef { $0.place = handle.place }
    } else if place == 0, unsafe handles.capacity > Self.keptCapacity {
      unsafe handles = []
    }
  }

  /// Remembers a handle of the library's that the program does not see: it was discarded, or is the
  /// loop's own.
  mutating func insertBare(_ raw: UnsafeMutablePointer<uv_handle_t>) {
    unsafe bare.append(raw)
  }

  mutating func removeBare(_ raw: UnsafeMutablePointer<uv_handle_t>) {
    unsafe bare.removeAll { unsafe $0 == raw }
  }

  /// libuv's side of all of them.
  var rawHandles: Set<UnsafeMutablePointer<uv_handle_t>> {
    var found = unsafe Set(bare)
    for handle in all { unsafe found.insert(handle.raw) }
    return unsafe found
  }
}
