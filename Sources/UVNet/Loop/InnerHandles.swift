internal import CLibUV

/// The handles of libuv's that a loop needs for itself: for collected writes, for ticks, for other
/// threads, for connections that nothing is read from, and for timers that are late.
///
/// None of them keeps the loop alive, but for ``wake()`` and while the loop says so, and none
/// carries `data`: so the loop tells them from the program's.
@safe final class InnerHandles {
  private let prepare: UnsafeMutablePointer<uv_handle_t>
  private let idle: UnsafeMutablePointer<uv_handle_t>
  private let async: UnsafeMutablePointer<uv_handle_t>
  private let timer: UnsafeMutablePointer<uv_handle_t>
  /// Before and after the poll, while there are timers that are late.
  private let beforePoll: UnsafeMutablePointer<uv_handle_t>
  private let afterPoll: UnsafeMutablePointer<uv_handle_t>
  private var isAbandoned = false

  init(on loop: UnsafeMutablePointer<uv_loop_t>) throws(UVError) {
    unsafe prepare = Handle.allocate(UV_PREPARE)
    unsafe idle = Handle.allocate(UV_IDLE)
    unsafe async = Handle.allocate(UV_ASYNC)
    unsafe timer = Handle.allocate(UV_TIMER)
    unsafe beforePoll = Handle.allocate(UV_IDLE)
    unsafe afterPoll = Handle.allocate(UV_CHECK)
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
    unsafe uv_idle_init(loop, cuv_idle(beforePoll))
    unsafe uv_check_init(loop, cuv_check(afterPoll))
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
    unsafe body(beforePoll)
    unsafe body(afterPoll)
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

  /// Whether the loop stays alive for the sake of its quiet connections.
  func quietConnectionsKeepLoopAlive(_ enabled: Bool) {
    if enabled { unsafe uv_ref(timer) } else { unsafe uv_unref(timer) }
  }

  /// Has the loop run on though nothing is open on it, until it is ended.
  func keepLoopAlive() { unsafe uv_ref(async) }

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
