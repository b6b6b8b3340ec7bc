internal import CLibUV

/// Timers that are called late, and that wait for the loop to look for I/O first.
///
/// After a stand-still (SIGSTOP, a paused virtual machine, a long callback) libuv calls what is due
/// before it polls. The program would give up on peers whose bytes have long been in the kernel.
struct LateTimers {
  /// Later than this there was a stand-still, a short one perhaps: a loop that is not busy calls a
  /// timer within two milliseconds.
  static let lateness: UInt64 = 10_000_000

  /// In the order in which libuv would have called them; nil where one was taken back.
  private var queue: [LoopTimer?] = []
  /// The position in ``queue`` of the next one to call.
  private var first = 0
  /// The place of what stands at the beginning of ``queue``: a timer keeps its place, and so is taken
  /// back without a search.
  private var base = 0

  /// How many wait.
  private(set) var count = 0

  /// Whether the loop has begun a turn since the first of them began to wait, and so will have
  /// polled at its end.
  var hasTurnBegun = false

  /// Lets a timer wait behind the others; returns its place.
  mutating func append(_ timer: LoopTimer) -> Int {
    queue.append(timer)
    count += 1
    return base + queue.count - 1
  }

  /// Takes the timer at a place back.
  mutating func remove(at place: Int) {
    queue[place - base] = nil
    forgetOne()
  }

  /// Takes the next one to call.
  mutating func popFirst() -> LoopTimer? {
    while first < queue.count {
      first += 1
      guard let timer = queue[first - 1] else { continue }
      queue[first - 1] = nil
      forgetOne()
      return timer
    }
    return nil
  }

  private mutating func forgetOne() {
    count -= 1
    guard count == 0 else { return }
    base += queue.count
    queue.removeAll(keepingCapacity: queue.count <= 1024)
    first = 0
  }
}

extension EventLoop {
  /// Lets a timer that is due wait until the loop has polled, if it is late or follows one that is.
  ///
  /// - Parameters:
  ///   - timer: The timer.
  ///   - late: Nanoseconds since it could have been called.
  /// - Returns: Its place among the late timers; nil if it is to be called now.
  @inline(__always)
  func postpone(_ timer: LoopTimer, late: UInt64) -> Int? {
    unsafe late > LateTimers.lateness || lateTimers.count > 0 ? postpone(timer) : nil
  }

  private func postpone(_ timer: LoopTimer) -> Int {
    if unsafe lateTimers.count == 0 {
      unsafe lateTimers.hasTurnBegun = false
      inner.startLookingForLateTimers()
    }
    return unsafe lateTimers.append(timer)
  }

  /// Calls them after a poll; from a callback that takes long on, the rest waits for another.
  func callLateTimers() {
    guard unsafe lateTimers.hasTurnBegun else { return }
    let start = uv_hrtime()
    // Not more than wait now: one that is scheduled anew gets its turn from libuv.
    for _ in unsafe 0..<lateTimers.count {
      guard let timer = unsafe lateTimers.popFirst() else { break }
      timer.fireAfterPoll()
      if uv_hrtime() - start > LateTimers.lateness { break }
    }
    if unsafe lateTimers.count == 0 { inner.stopLookingForLateTimers() }
  }
}
