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
/// Making a loop sets SIGPIPE to be ignored, unless the program has a handler of its own: libuv
/// leaves the signal alone, and a write to a connection that its peer has reset would end the
/// process.
///
/// A program ends its loop by ``endAndClose(file:line:)``, or by ``end()`` in a callback and
/// ``close(file:line:)`` after ``run(file:line:)``.
@safe public final class EventLoop {
  /// Bytes that one read takes at most; all connections of a loop share one such buffer.
  static let readBufferSize = 65536

  /// What libuv's callbacks need of the loop, in memory right before `uv_loop_t`.
  @safe struct Context {
    let loop: Unmanaged<EventLoop>
    let readBuffer: uv_buf_t
  }

  let raw: UnsafeMutablePointer<uv_loop_t>
  let readBuffer: UnsafeMutableRawBufferPointer
  /// Bytes for the context, so many that libuv's loop behind it is aligned.
  static let contextRoom = (MemoryLayout<Context>.size + 15) & ~15
  /// Like ``firstUnflushed``.
  @exclusivity(unchecked) var writeBuffers = WriteBufferPool()

  /// The handles that the loop itself needs; they keep no loop alive.
  let inner: InnerHandles
  /// Like ``firstUnflushed``.
  @exclusivity(unchecked) var handleTable = HandleTable()
  /// Whether C libraries may have handles on the loop, by ``unsafeRawLoop``.
  var isShared = false

  var ticks: [() -> Void] = []
  /// The first connection with collected writes, most often the only one, and the others.
  ///
  /// Not retained: each is open, or has its close callback still to come, and the flush at the end of
  /// that callback takes it off.
  /// Only ever touched for a moment in which nothing of the program's runs.
  @exclusivity(unchecked) var firstUnflushed: Unmanaged<StreamConnection>?
  @exclusivity(unchecked) var otherUnflushed: [Unmanaged<StreamConnection>] = unsafe []
  /// Who has read bytes last; to be compared only.
  var lastReader: UnsafeMutableRawPointer?
  /// Runs the jobs of tasks, and knows those that wait, once the program uses any; see `Async/`.
  var executor: LoopExecutor?
  var tasks: LoopTasks?
  /// What a callback has to see to besides the program: most often nothing.
  var extras: CallbackExtras = []
  #if os(Linux)
    /// Jobs of the main actor; see ``serveMainActor()``.
    var mainQueue: MainQueueWatch?
  #endif
  var callbackDepth = 0
  var isInTimerCallback = false
  var quiet = QuietConnections()
  /// Turns since the loop was made.
  var turns: UInt64 = 0
  /// What handles have counted that are closed.
  var closedCounters = Counters()
  /// Nanoseconds.
  var longestCallback: UInt64 = 0
  var callbackObserver: ((UInt64) -> Void)?
  /// Connections that are closed when nothing comes or goes.
  var idleWatches = IdleWatches()
  /// Like ``firstUnflushed``: a timer is called when it has been taken out.
  @exclusivity(unchecked) var lateTimers = LateTimers()
  /// Standard input, while it is open on this loop.
  var standardInput: StandardInput?
  /// Where UDP sockets receive; see ``datagramBatch()``.
  var datagrams: DatagramBatch?
  /// UDP sockets with datagrams that leave together, see ``sendCollectedDatagrams()``; used like
  /// ``firstUnflushed``.
  @exclusivity(unchecked) var collecting = Collecting()

  /// Attempts that wait for a timer alone, and are told of the loop's end.
  var waitingAttempts: [ObjectIdentifier: ConnectAttempt] = [:]

  /// Look-ups that libuv's thread pool has.
  var lookups: [Resolver] = []

  private(set) var isClosed = false
  // Behind a computed property, for the reason that StreamConnection gives.
  var endWasAsked = false
  /// Whether ``end()`` was called: nothing new begins on the loop.
  public var isEnding: Bool { endWasAsked }
  var isStopRequested = false
  var runner: pthread_t?

  /// The door for other threads: the one part of a loop that may leave its thread.
  public let remote: Remote

  /// Makes a loop.
  ///
  /// - Throws: The system's error when it gives no descriptor or memory for a loop, such as
  ///   ``UVError/Code/tooManyOpenFiles``.
  public init() throws(UVError) {
    ignoreBrokenPipeSignal()
    let size = unsafe Self.contextRoom + max(uv_loop_size(), MemoryLayout<uv_loop_t>.size)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    let raw = unsafe (memory + Self.contextRoom).bindMemory(to: uv_loop_t.self, capacity: 1)
    unsafe raw.initialize(to: uv_loop_t())
    unsafe raw.pointee.backend_fd = -1
    let status = unsafe uv_loop_init(raw)
    guard status == 0 else {
      // Before 1.51 libuv leaves the descriptor that it waits on open when what follows fails.
      if unsafe raw.pointee.backend_fd >= 0 { unsafe closeDescriptor(raw.pointee.backend_fd) }
      unsafe memory.deallocate()
      throw UVError(status, .initialize)
    }
    do throws(UVError) {
      inner = try unsafe InnerHandles(on: raw)
    } catch {
      unsafe uv_loop_close(raw)
      unsafe memory.deallocate()
      throw error
    }
    unsafe self.raw = unsafe raw
    unsafe readBuffer = .allocate(byteCount: Self.readBufferSize, alignment: 16)
    remote = inner.makeRemote()
    unsafe memory.bindMemory(to: Context.self, capacity: 1).initialize(
      to: Context(
        loop: .passUnretained(self),
        readBuffer: uv_buf_init(
          readBuffer.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(readBuffer.count))))
  }

  deinit { assert(isClosed, "an EventLoop without open handles was dropped without close()") }

  /// Makes ``run(file:line:)`` return once the callbacks that are due now have been called.
  ///
  /// Called while the loop does not run, it makes the next ``run(file:line:)`` only send what was
  /// written before, and return.
  public func stop(file: StaticString = #fileID, line: UInt = #line) {
    checkIsOpen("EventLoop.stop() was called after close()", file, line)
    checkThread()
    isStopRequested = true
    if runner != nil { unsafe uv_stop(raw) }
  }

  /// The time now, from the system's monotonic clock, read at each call.
  public var now: Instant { Instant(nanoseconds: uv_hrtime()) }

  /// Calls `body` once, on a later turn of the loop and before it waits for events.
  ///
  /// It keeps the loop alive until then. Bodies are called in the order in which they were given;
  /// those that no ``run(file:line:)`` has called are called by ``close(file:line:)``.
  public func nextTick(
    file: StaticString = #fileID, line: UInt = #line, _ body: @escaping () -> Void
  ) {
    checkIsOpen("EventLoop.nextTick() was called after close()", file, line)
    checkThread()
    ticks.append(body)
    inner.wake()
  }

  /// Describes each handle that is not fully closed, such as `TCPConnection 127.0.0.1:4242`, each
  /// look-up that the system has not answered, and each handle that a C library has on the loop, such
  /// as `foreign timer`.
  public var openHandles: [String] {
    handles().map(\.debugName) + lookups.map { "Resolver \($0.host)" }
      + foreignHandles().map(\.debugName)
  }

  /// Frees the loop; using it afterwards is a mistake in the program, and stops it.
  ///
  /// Bodies that ``nextTick(file:line:_:)`` and ``Remote/execute(_:)`` have accepted and no run has
  /// called are called first. Calling it again does nothing, or tries again after it threw. A
  /// callback must not call it: that is a mistake in the program, and stops it.
  ///
  /// - Throws: ``UVError/Code/busy`` with the names of the handles that are still open; the loop
  ///   can still be used then, so that they can be closed and the loop run once more.
  public func close(file: StaticString = #fileID, line: UInt = #line) throws(UVError) {
    guard !isClosed else { return }
    checkIsNotRunning("EventLoop.close() was called by one of its own callbacks", file, line)
    callWhatWasAccepted()
    let open =
      openHandles + (ticks.isEmpty ? [] : ["EventLoop.nextTick"])
      + (hasForeignRequest ? ["foreign request"] : [])
    guard open.isEmpty else {
      if !isEnding { remote.accept() }
      throw UVError(.busy, during: .closeLoop, detail: open.joined(separator: ", "))
    }
    let servesMainActor = closeMainQueue()
    unsafe inner.close(raw)
    let status = unsafe uv_loop_close(raw)
    guard status == 0 else {
      unsafe inner.reopen(raw)
      if servesMainActor { try? serveMainActor() }
      if isShared { inner.flushAfterPoll() }
      if !isEnding { remote.accept() }
      throw UVError(status, .closeLoop)
    }
    isClosed = true
    endTasks()
    unsafe readBuffer.deallocate()
    unsafe (UnsafeMutableRawPointer(raw) - Self.contextRoom).deallocate()
  }

  /// Gives the loop up though the system still works on look-ups for it, which nothing can stop, or a
  /// C library has handles on it.
  ///
  /// libuv's threads will write to its side of the loop when they are done, so that is never freed.
  func abandon() {
    isClosed = true
    endTasks()
    abandonMainQueue()
    inner.abandon()
    unsafe readBuffer.deallocate()
  }

  /// Lets go of what tasks need: it has a timer, which refers to the loop.
  private func endTasks() {
    executor?.unbind()
    tasks = nil
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

// MARK: - Checks

extension EventLoop {
  /// Stops a program that uses a loop after ``close(file:line:)``: libuv would use freed memory.
  @inline(__always)
  func checkIsOpen(_ mistake: StaticString, _ file: StaticString, _ line: UInt) {
    if isClosed { stopProgram(mistake, file, line) }
  }

  /// Stops a program that runs or frees a loop inside one of its callbacks.
  func checkIsNotRunning(_ mistake: StaticString, _ file: StaticString, _ line: UInt) {
    if runner != nil { stopProgram(mistake, file, line) }
  }

  /// Whether the loop is running on another thread than this one.
  var isRunningElsewhere: Bool { runner.map { pthread_equal($0, pthread_self()) == 0 } ?? false }

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
