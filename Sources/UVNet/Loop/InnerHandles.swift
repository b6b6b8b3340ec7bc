internal import CLibUV

/// The handles of libuv's that a loop needs for itself: for collected writes, for ticks, for other
/// threads, for connections that nothing is read from or that have been idle for long, and for timers
/// that are late.
///
/// None of them keeps the loop alive, but for ``wake()`` and while the loop says so.
@safe final class InnerHandles {
  private let prepare: UnsafeMutablePointer<uv_handle_t>
  private let idle: UnsafeMutablePointer<uv_handle_t>
  private let async: UnsafeMutablePointer<uv_handle_t>
  private let timer: UnsafeMutablePointer<uv_handle_t>
  private let idleConnections: UnsafeMutablePointer<uv_handle_t>
  /// Before and after the poll, while there are timers that are late.
  private let beforePoll: UnsafeMutablePointer<uv_handle_t>
  private let afterPoll: UnsafeMutablePointer<uv_handle_t>
  /// After the poll, on a loop that C libraries have handles on.
  private let afterForeign: UnsafeMutablePointer<uv_handle_t>
  private var isAbandoned = false

  init(on loop: UnsafeMutablePointer<uv_loop_t>) throws(UVError) {
    unsafe prepare = Handle.allocate(UV_PREPARE)
    unsafe idle = Handle.allocate(UV_IDLE)
    unsafe async = Handle.allocate(UV_ASYNC)
    unsafe timer = Handle.allocate(UV_TIMER)
    unsafe idleConnections = Handle.allocate(UV_TIMER)
    unsafe beforePoll = Handle.allocate(UV_IDLE)
    unsafe afterPoll = Handle.allocate(UV_CHECK)
    unsafe afterForeign = Handle.allocate(UV_CHECK)
    let status = unsafe initialize(loop)
    guard status == 0 else { throw UVError(status, .initialize) }
  }

  deinit {
    guard !isAbandoned else { return }
    unsafe forEach { unsafe Handle.deallocate($0) }
  }

  /// Of these only the first can fail; the others only fill memory.
  private func initialize(_ loop: UnsafeMutablePointer<uv_loop_t>) -> Int32 {
    let status = unsafe uv_async_init(loop, cuv_async(async)) { handle in
      guard let handle = unsafe handle else { return }
      _ = unsafe EventLoop.of(handle.pointee.loop).runRemoteWork()
    }
    guard status == 0 else { return status }
    unsafe uv_prepare_init(loop, cuv_prepare(prepare))
    unsafe uv_idle_init(loop, cuv_idle(idle))
    unsafe uv_timer_init(loop, cuv_timer(timer))
    unsafe uv_timer_init(loop, cuv_timer(idleConnections))
    unsafe uv_idle_init(loop, cuv_idle(beforePoll))
    unsafe uv_check_init(loop, cuv_check(afterPoll))
    unsafe uv_check_init(loop, cuv_check(afterForeign))
    // The idle handles keep the loop alive while they are active, which is what they are for.
    unsafe forEach { handle in
      if unsafe handle != idle && handle != beforePoll { unsafe uv_unref(handle) }
      unsafe handle.pointee.data = nil
    }
    unsafe uv_prepare_start(cuv_prepare(prepare)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe EventLoop.of(handle.pointee.loop).beforePoll()
    }
    return 0
  }

  private func forEach(_ body: (UnsafeMutablePointer<uv_handle_t>) -> Void) {
    unsafe body(prepare)
    unsafe body(idle)
    unsafe body(async)
    unsafe body(timer)
    unsafe body(idleConnections)
    unsafe body(beforePoll)
    unsafe body(afterPoll)
    unsafe body(afterForeign)
  }

  var rawHandles: Set<UnsafeMutablePointer<uv_handle_t>> {
    var found: Set<UnsafeMutablePointer<uv_handle_t>> = unsafe []
    unsafe forEach { unsafe found.insert($0) }
    return unsafe found
  }

  /// Makes the next turn of the loop come at once, and call what waits for it.
  ///
  /// An active idle handle makes libuv poll without waiting, and keeps the loop alive.
  func wake() {
    unsafe uv_idle_start(cuv_idle(idle)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe uv_idle_stop(handle)
      unsafe EventLoop.of(handle.pointee.loop).runTicks()
    }
  }

  /// Has the loop poll without waiting, and then call its late timers, until there are none.
  func startLookingForLateTimers() {
    unsafe uv_idle_start(cuv_idle(beforePoll)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe EventLoop.of(handle.pointee.loop).lateTimers.hasTurnBegun = true
    }
    unsafe uv_check_start(cuv_check(afterPoll)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe EventLoop.of(handle.pointee.loop).callLateTimers()
    }
  }

  func stopLookingForLateTimers() {
    unsafe uv_idle_stop(cuv_idle(beforePoll))
    unsafe uv_check_stop(cuv_check(afterPoll))
  }

  /// Has the loop look at its quiet connections after so many milliseconds, unless it is going to.
  func lookAtQuietConnections(after milliseconds: UInt64) {
    guard unsafe uv_is_active(timer) == 0 else { return }
    unsafe uv_timer_start(
      cuv_timer(timer),
      { handle in
        guard let handle = unsafe handle else { return }
        unsafe EventLoop.of(handle.pointee.loop).lookAtQuietConnections()
      }, milliseconds, 0)
  }

  /// Has the loop look for idle connections at an instant of its clock; `nil` for never.
  func lookForIdleConnections(at instant: UInt64?) {
    guard let instant else {
      _ = unsafe uv_timer_stop(cuv_timer(idleConnections))
      return
    }
    let present = uv_hrtime()
    let wait = instant > present ? (instant - present + 999_999) / 1_000_000 : 0
    unsafe uv_timer_start(
      cuv_timer(idleConnections),
      { handle in
        guard let handle = unsafe handle else { return }
        unsafe EventLoop.of(handle.pointee.loop).lookForIdleConnections()
      }, wait, 0)
  }

  /// Whether the loop stays alive for the sake of its quiet connections.
  func quietConnectionsKeepLoopAlive(_ enabled: Bool) {
    if enabled { unsafe uv_ref(timer) } else { unsafe uv_unref(timer) }
  }

  /// Has the loop run on though nothing is open on it, until it is ended.
  func keepLoopAlive() { unsafe uv_ref(async) }

  /// Calls `body` while something keeps the loop alive, whatever else does.
  func asIfAlive(_ body: () -> Int32) -> Int32 {
    guard unsafe uv_has_ref(async) == 0 else { return body() }
    unsafe uv_ref(async)
    let result = body()
    unsafe uv_unref(async)
    return result
  }

  /// How many milliseconds the loop may wait for events now; negative for ever.
  func pollTimeout(_ loop: UnsafeMutablePointer<uv_loop_t>) -> Int32 {
    // libuv counts from the time at which its last turn looked at the clock.
    unsafe uv_update_time(loop)
    return unsafe uv_backend_timeout(loop)
  }

  /// Sends what is written in C libraries' callbacks, after each poll from now on.
  func flushAfterPoll() {
    unsafe uv_check_start(cuv_check(afterForeign)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe EventLoop.of(handle.pointee.loop).finishForeignCallbacks()
    }
  }

  func makeRemote() -> EventLoop.Remote {
    nonisolated(unsafe) let signal = unsafe async
    return unsafe EventLoop.Remote(signal: signal)
  }

  /// Closes all of them, and runs the loop until libuv has let go of these and of whatever else was
  /// given back to it.
  func close(_ loop: UnsafeMutablePointer<uv_loop_t>) {
    unsafe forEach { handle in
      unsafe uv_close(handle) { handle in unsafe handle?.pointee.data = nil }
      // Anything but nil, until libuv has called back.
      unsafe handle.pointee.data = UnsafeMutableRawPointer(handle)
    }
    // A turn that was asked to stop does nothing, hence perhaps one more.
    repeat { _ = unsafe uv_run(loop, UV_RUN_NOWAIT) } while unsafe timer.pointee.data != nil
  }

  /// Makes them anew after ``close(_:)``.
  func reopen(_ loop: UnsafeMutablePointer<uv_loop_t>) {
    // It fails only without a descriptor, and libuv has its own already.
    _ = unsafe initialize(loop)
  }

  /// Leaves them to a loop that is never freed.
  func abandon() { isAbandoned = true }
}
