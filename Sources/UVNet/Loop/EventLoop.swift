internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// One libuv event loop: it carries bytes, timers and signals, and calls back on one thread.
///
/// A loop and everything made with it belong to the thread that runs it; none of it is
/// `Sendable`, so that the compiler keeps it there. The one way in from another thread is
/// ``Remote/execute(_:)``.
///
/// The first loop of a process sets SIGPIPE to be ignored, unless the program has a handler of
/// its own: libuv leaves the signal alone, and a write to a connection that its peer has reset
/// would end the process.
///
/// Call ``close()`` when the loop is no longer needed.
@safe public final class EventLoop {
  /// Bytes that one read takes at most; all connections of a loop share one such buffer.
  static let readBufferSize = 65536

  /// What libuv's callbacks find at `uv_loop_t.data`, without counting a reference.
  @safe private struct Context {
    let loop: Unmanaged<EventLoop>
    let readBuffer: uv_buf_t
  }

  let raw: UnsafeMutablePointer<uv_loop_t>
  let readBuffer: UnsafeMutableRawBufferPointer
  private let context: UnsafeMutablePointer<Context>
  /// Like ``firstUnflushed``.
  @exclusivity(unchecked) var writeBuffers = WriteBufferPool()

  /// The handles that libuv needs for ticks and for collected writes; they keep no loop alive.
  private let prepare: UnsafeMutablePointer<uv_handle_t>
  private let idle: UnsafeMutablePointer<uv_handle_t>

  private var ticks: [() -> Void] = []
  /// The first connection with collected writes, most often the only one, and the others.
  ///
  /// Not counted: each is open, or has its close callback still to come and is taken off by that.
  /// Only ever touched for a moment in which nothing of the program's runs.
  @exclusivity(unchecked) private var firstUnflushed: Unmanaged<StreamConnection>?
  @exclusivity(unchecked) private var otherUnflushed: [Unmanaged<StreamConnection>] = unsafe []
  /// Who has read bytes last; to be compared only.
  var lastReader: UnsafeMutableRawPointer?
  private var callbackDepth = 0
  private(set) var isInTimerCallback = false
  private var isClosed = false
  private var runner: pthread_t?

  /// Makes a loop.
  ///
  /// - Throws: The system's error when it gives no descriptor or memory for a loop, such as
  ///   ``UVError/Code/tooManyOpenFiles``.
  public init() throws(UVError) {
    ignoreBrokenPipeSignal()
    unsafe raw = .allocate(capacity: 1)
    unsafe readBuffer = .allocate(byteCount: Self.readBufferSize, alignment: 16)
    unsafe prepare = Handle.allocate(UV_PREPARE)
    unsafe idle = Handle.allocate(UV_IDLE)
    unsafe context = .allocate(capacity: 1)
    unsafe raw.initialize(to: uv_loop_t())
    unsafe raw.pointee.backend_fd = -1
    let status = unsafe uv_loop_init(raw)
    guard status == 0 else {
      // Before 1.51 libuv leaves the descriptor that it waits on open when what follows fails.
      if unsafe raw.pointee.backend_fd >= 0 { unsafe closeDescriptor(raw.pointee.backend_fd) }
      isClosed = true
      freeMemory()
      throw UVError(status, .initialize)
    }
    unsafe context.initialize(
      to: Context(
        loop: .passUnretained(self),
        readBuffer: uv_buf_init(
          readBuffer.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(readBuffer.count))))
    unsafe raw.pointee.data = UnsafeMutableRawPointer(context)
    // Neither init can fail: libuv only fills memory.
    unsafe uv_prepare_init(raw, cuv_prepare(prepare))
    unsafe uv_idle_init(raw, cuv_idle(idle))
    unsafe prepare.pointee.data = nil
    unsafe idle.pointee.data = nil
    unsafe uv_unref(prepare)
    unsafe uv_prepare_start(cuv_prepare(prepare)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe EventLoop.of(handle.pointee.loop).beforePoll()
    }
  }

  deinit { assert(isClosed, "an EventLoop was dropped without close()") }

  /// Runs callbacks until ``stop()`` is called or nothing keeps the loop alive.
  ///
  /// It may be called again. A callback must not call it: that is a mistake in the program, and
  /// stops it.
  public func run() {
    precondition(runner == nil, "EventLoop.run() was called by one of its own callbacks")
    checkIsOpen()
    runner = pthread_self()
    _ = unsafe uv_run(raw, UV_RUN_DEFAULT)
    runner = nil
  }

  /// Makes ``run()`` return once the callbacks that are due now have been called.
  public func stop() {
    checkIsOpen()
    checkThread()
    unsafe uv_stop(raw)
  }

  /// The time now, from the system's monotonic clock, read at each call.
  public var now: Instant { Instant(nanoseconds: uv_hrtime()) }

  /// Calls `body` once, on a later turn of the loop and before it waits for events.
  ///
  /// It keeps the loop alive until then. Bodies are called in the order in which they were given.
  public func nextTick(_ body: @escaping () -> Void) {
    checkIsOpen()
    checkThread()
    ticks.append(body)
    wakeWithoutWaiting()
  }

  /// Closes every handle, as ``Handle/close()`` does.
  ///
  /// Their close callbacks come when the loop runs.
  public func closeAll() {
    for handle in handles() { handle.close() }
  }

  /// Describes each handle that is not fully closed, such as `TCPConnection 127.0.0.1:4242`, and
  /// each look-up that the system has not answered.
  public var openHandles: [String] {
    handles().map(\.debugName) + lookups.map { "Resolver \($0.host)" }
  }

  /// Frees the loop; using it afterwards is a mistake in the program, and stops it.
  ///
  /// Calling it again does nothing. A callback must not call it: that is a mistake in the program,
  /// and stops it.
  ///
  /// - Throws: ``UVError/Code/busy`` with the names of the handles that are still open; the loop
  ///   is then as it was, so that they can be closed and the loop run once more.
  public func close() throws(UVError) {
    guard !isClosed else { return }
    precondition(runner == nil, "EventLoop.close() was called by one of its own callbacks")
    let open = openHandles
    guard open.isEmpty else {
      throw UVError(.busy, during: .closeLoop, detail: open.joined(separator: ", "))
    }
    remoteDoor?.shut()
    unsafe uv_close(prepare, nil)
    unsafe uv_close(idle, nil)
    _ = unsafe uv_run(raw, UV_RUN_NOWAIT)
    let status = unsafe uv_loop_close(raw)
    guard status == 0 else { throw UVError(status, .closeLoop) }
    isClosed = true
    ticks = []
    freeMemory()
  }

  /// Look-ups that libuv's thread pool has.
  var lookups: [Resolver] = []

  /// The door for other threads, made at its first use; see `EventLoop+Remote`.
  var remoteDoor: RemoteDoor?

  private func freeMemory() {
    unsafe raw.deallocate()
    unsafe readBuffer.deallocate()
    unsafe prepare.deallocate()
    unsafe idle.deallocate()
    unsafe context.deallocate()
  }
}

extension EventLoop {
  /// The version of libuv that the program was built with, such as `1.44.2`.
  public static var builtWithLibuv: String {
    "\(UV_VERSION_MAJOR).\(UV_VERSION_MINOR).\(UV_VERSION_PATCH)"
  }

  /// The version of libuv that the program runs with.
  public static var runningLibuv: String {
    let version = uv_version()
    return "\(version >> 16).\(version >> 8 & 0xff).\(version & 0xff)"
  }
}

// MARK: - Callbacks

extension EventLoop {
  static func of(_ raw: UnsafeMutablePointer<uv_loop_t>) -> EventLoop {
    unsafe context(of: raw).pointee.loop.takeUnretainedValue()
  }

  private static func context(
    of raw: UnsafeMutablePointer<uv_loop_t>
  ) -> UnsafeMutablePointer<Context> {
    unsafe raw.pointee.data.assumingMemoryBound(to: Context.self)
  }

  /// Gives libuv the loop's read buffer for one read.
  ///
  /// All handles share it: libuv reads and calls back with the bytes before it asks for another.
  static func lendReadBuffer(
    for handle: UnsafeMutablePointer<uv_handle_t>?, in place: UnsafeMutablePointer<uv_buf_t>?
  ) {
    guard let handle = unsafe handle, let place = unsafe place else { return }
    unsafe place.pointee = context(of: handle.pointee.loop).pointee.readBuffer
  }

  /// Calls into the program for an event, then sends what the outermost such call has written.
  @inline(__always)
  func dispatch(_ body: () -> Void) {
    callbackDepth += 1
    body()
    callbackDepth -= 1
    if callbackDepth == 0, unsafe firstUnflushed != nil { flushWrites() }
  }

  /// Calls into the program for a timer: answers due in one turn leave together, before the poll.
  func dispatchTimer(_ body: () -> Void) {
    callbackDepth += 1
    isInTimerCallback = true
    body()
    isInTimerCallback = false
    callbackDepth -= 1
  }

  /// Remembers a connection that has collected writes.
  @inline(__always)
  func needsFlush(_ connection: StreamConnection) {
    if unsafe firstUnflushed == nil {
      unsafe firstUnflushed = .passUnretained(connection)
    } else {
      unsafe otherUnflushed.append(.passUnretained(connection))
    }
  }

  /// Forgets a connection that is closed before its collected writes were looked at.
  func needsNoFlush(_ connection: StreamConnection) {
    let forgotten = unsafe Unmanaged.passUnretained(connection).toOpaque()
    unsafe otherUnflushed.removeAll { unsafe $0.toOpaque() == forgotten }
    guard unsafe firstUnflushed?.toOpaque() == forgotten else { return }
    unsafe firstUnflushed = otherUnflushed.isEmpty ? nil : otherUnflushed.removeFirst()
  }

  /// Sends collected writes, one pass: what completions write in it waits for the next turn, or a
  /// fast peer could keep us here.
  private func flushWrites() {
    guard let first = unsafe firstUnflushed else { return }
    unsafe firstUnflushed = nil
    let count = unsafe otherUnflushed.count
    callbackDepth += 1
    unsafe first._withUnsafeGuaranteedRef { $0.flush() }
    if count > 0 {
      for index in 0..<count {
        let next = unsafe otherUnflushed[index]
        unsafe next._withUnsafeGuaranteedRef { $0.flush() }
      }
      unsafe otherUnflushed.removeFirst(count)
    }
    callbackDepth -= 1
  }

  private func beforePoll() {
    if unsafe firstUnflushed != nil {
      flushWrites()
      if unsafe firstUnflushed != nil { wakeWithoutWaiting() }
    }
  }

  /// An active idle handle makes libuv poll without waiting.
  private func wakeWithoutWaiting() {
    unsafe uv_idle_start(cuv_idle(idle)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe EventLoop.of(handle.pointee.loop).runTicks()
    }
  }

  private func runTicks() {
    unsafe uv_idle_stop(cuv_idle(idle))
    let due = ticks
    ticks = []
    callbackDepth += 1
    for body in due { body() }
    callbackDepth -= 1
  }
}

// MARK: - Handles

extension EventLoop {
  /// Every handle of the library's that libuv knows on this loop, closing ones included.
  func handles() -> [Handle] {
    guard !isClosed else { return [] }
    var found: [Handle] = []
    unsafe withUnsafeMutablePointer(to: &found) { found in
      unsafe uv_walk(
        raw,
        { handle, argument in
          // Our own inner handles carry no data.
          guard let data = unsafe handle?.pointee.data, let argument = unsafe argument else {
            return
          }
          unsafe argument.assumingMemoryBound(to: [Handle].self).pointee.append(
            Unmanaged<Handle>.fromOpaque(data).takeUnretainedValue())
        }, found)
    }
    return found
  }

  /// Stops a program that uses a loop after ``close()``: libuv would use freed memory.
  @inline(__always)
  func checkIsOpen() {
    precondition(!isClosed, "an EventLoop was used after close()")
  }

  /// In debug builds, stops a program that uses a running loop from another thread.
  @inline(__always)
  func checkThread() {
    assert(
      runner.map { pthread_equal($0, pthread_self()) != 0 } ?? true,
      "an EventLoop or one of its handles was used from another thread; see EventLoop.remote")
  }
}

/// Sets SIGPIPE to be ignored, unless the program has already decided about it.
private func ignoreBrokenPipeSignal() {
  var action = sigaction()
  guard unsafe sigaction(SIGPIPE, nil, &action) == 0 else { return }
  #if canImport(Darwin)
    let current = unsafe action.__sigaction_u.__sa_handler
  #else
    let current = unsafe action.__sigaction_handler.sa_handler
  #endif
  if current == nil { _ = signal(SIGPIPE, SIG_IGN) }
}
