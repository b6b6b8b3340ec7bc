internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Something that a loop watches: a connection, a listener, a timer, a signal.
///
/// A handle keeps itself alive from its creation until its close has finished: dropping the last
/// reference to it never closes it, and only ``close()`` does. Like its loop it belongs to one
/// thread.
@safe public class Handle {
  /// The loop that the handle was made on.
  public final let loop: EventLoop

  final let raw: UnsafeMutablePointer<uv_handle_t>
  /// Its place in the loop's table of handles, while it is there.
  final var place: UInt32 = 0
  private final var state: State

  private enum State: UInt8 {
    /// libuv does not know it: its initialisation failed, or was not tried.
    case unborn
    case open, closing, closed
    /// Its initialisation was undone; what libuv has of it is freed when libuv has closed it.
    case discarded
  }

  /// Allocates and initialises libuv's side of the handle.
  ///
  /// - Throws: What `initialize` returned, when that is negative; ``UVError/Code/canceled`` on a loop
  ///   that is ending. Nothing is left behind then.
  init(
    _ type: uv_handle_type, on loop: EventLoop,
    initialize: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutablePointer<uv_handle_t>) -> Int32
  ) throws(UVError) {
    self.loop = loop
    self.state = .unborn
    unsafe raw = Self.allocate(type)
    loop.checkIsOpen("a handle was made on an EventLoop after its close()", #fileID, #line)
    loop.checkThread()
    guard !loop.isEnding else {
      throw UVError(
        .canceled, during: .initialize, domain: .library, detail: "the loop is ending")
    }
    let status = unsafe initialize(loop.raw, raw)
    guard status == 0 else { throw UVError(status, .initialize) }
    state = .open
    unsafe raw.pointee.data = Unmanaged.passRetained(self).toOpaque()
    unsafe loop.handleTable.insert(self)
  }

  /// Makes a handle that behaves like one that is closed, for what cannot fail on a loop that is
  /// ending.
  init(closedOn loop: EventLoop, _ type: uv_handle_type) {
    self.loop = loop
    state = .unborn
    unsafe raw = Self.allocate(type)
  }

  deinit {
    // libuv has the memory of one that was discarded.
    guard state != .discarded else { return }
    assert(state == .closed || state == .unborn, "a handle was freed before its close callback")
    unsafe Self.deallocate(raw)
  }

  /// Undoes the initialisation of a handle whose next step failed, before the program has seen it.
  ///
  /// libuv has to be asked to close it all the same; the loop's next turn or its close lets libuv
  /// do that. The program hears nothing of it, and the handle is no longer open.
  final func discard() {
    guard state == .open else { return }
    willClose()
    state = .discarded
    unsafe loop.handleTable.remove(self)
    unsafe loop.handleTable.insertBare(raw)
    unsafe raw.pointee.data = nil
    unsafe uv_close(raw) { raw in
      guard let raw = unsafe raw else { return }
      unsafe EventLoop.of(raw.pointee.loop).handleTable.removeBare(raw)
      unsafe Handle.deallocate(raw)
    }
    unsafe Unmanaged.passUnretained(self).release()
  }

  static func allocate(_ type: uv_handle_type) -> UnsafeMutablePointer<uv_handle_t> {
    // By malloc itself: Swift's ways to allocate a number of bytes that is known at run time only go
    // by posix_memalign, which costs twice as much.
    guard let memory = unsafe malloc(uv_handle_size(type)) else { fatalError("out of memory") }
    return unsafe memory.bindMemory(to: uv_handle_t.self, capacity: 1)
  }

  /// Frees what ``allocate(_:)`` gave.
  static func deallocate<Raw>(_ raw: UnsafeMutablePointer<Raw>?) { unsafe free(raw) }

  /// The object behind a handle that libuv calls back for.
  ///
  /// The handle's own reference, which only its close callback gives up, keeps the object alive.
  static func of<H: Handle>(_ raw: UnsafeMutablePointer<uv_handle_t>, as type: H.Type) -> H {
    unsafe unsafeDowncast(
      Unmanaged<Handle>.fromOpaque(raw.pointee.data).takeUnretainedValue(), to: type)
  }

  /// Whether ``close()`` has been called, by the program or by the library after a failure.
  public final var isClosing: Bool { state != .open }

  /// Whether libuv has let go of the handle.
  final var isClosed: Bool { state == .closed }

  /// Closes the handle; legal at any time, in any callback, and more than once.
  ///
  /// What was written in the same callback before is offered to the kernel first. Nothing more is
  /// called for the handle, but for what had to be told: the completions of writes, then the close
  /// callback, on a later turn of the loop.
  public final func close() {
    loop.checkThread()
    unsafe beginClose { raw in
      unsafe uv_close(raw) { raw in
        guard let raw = unsafe raw else { return }
        unsafe Handle.finishClose(raw)
      }
    }
  }

  /// Closes by way of `close`, which must hand ``finishClose(_:)`` to libuv.
  final func beginClose(_ close: (UnsafeMutablePointer<uv_handle_t>) -> Void) {
    guard state == .open else { return }
    willClose()
    state = .closing
    unsafe close(raw)
  }

  static func finishClose(_ raw: UnsafeMutablePointer<uv_handle_t>) {
    let handle = unsafe Unmanaged<Handle>.fromOpaque(raw.pointee.data).takeRetainedValue()
    unsafe raw.pointee.data = nil
    handle.state = .closed
    handle.add(to: &handle.loop.closedCounters)
    unsafe handle.loop.handleTable.remove(handle)
    // The flush that ends the dispatch may find a connection that was written to and closed since
    // the last one.
    withExtendedLifetime(handle) { handle.loop.dispatch { handle.didClose() } }
  }

  /// Whether the loop goes on running for this handle's sake; `true` unless set.
  public final var keepsLoopAlive: Bool {
    get { state != .open ? false : unsafe uv_has_ref(raw) != 0 }
    set {
      guard state == .open else { return }
      let isChange = newValue != keepsLoopAlive
      if newValue { unsafe uv_ref(raw) } else { unsafe uv_unref(raw) }
      if isChange { didChangeKeepsLoopAlive() }
    }
  }

  /// Whether libuv waits for something on the handle's behalf: a timer that is scheduled, a
  /// connection that reads or has something to send.
  ///
  /// A handle may be active and not keep the loop alive, or keep it alive and not be active, such as
  /// a connection whose reading is paused.
  public final var isActive: Bool { unsafe state == .open && uv_is_active(raw) != 0 }

  /// Called when ``keepsLoopAlive`` has changed.
  func didChangeKeepsLoopAlive() {}

  /// The handle as a connection that the loop has to look at by itself.
  var asQuietConnection: StreamConnection? { nil }

  /// Adds what the handle has counted so far.
  func add(to counters: inout EventLoop.Counters) {}

  /// Called once when closing begins: let go of timers and requests.
  func willClose() {}

  /// Called once when libuv has let go of the handle: tell the program, then drop its closures.
  func didClose() {}

  /// What ``EventLoop/openHandles`` calls the handle.
  var debugName: String { "\(type(of: self))\(isClosing ? " (closing)" : "")" }
}
