internal import CLibUV

/// Timers that are late, and wait until the loop has polled for I/O.
///
/// After a pause (SIGSTOP, a paused virtual machine, a long callback) libuv calls timers before it polls.
/// The program would then time out peers whose bytes are already in the kernel.
struct LateTimers {
  /// A timer that is later than this was delayed by a pause: a loop that is not busy calls a timer within
  /// two milliseconds.
  static let lateness: UInt64 = 10_000_000

  /// In the order in which libuv would have called them; nil where one was removed.
  private var queue: [LoopTimer?] = []
  /// The position in ``queue`` of the next one to call.
  private var first = 0
  /// The place of the first element of ``queue``.
  ///
  /// A timer remembers its place, so that it is removed without a search.
  private var base = 0

  /// How many wait.
  private(set) var count = 0

  /// Whether the loop has begun a turn since the first of them began to wait: it polls in that turn.
  var hasTurnBegun = false

  /// Adds a timer at the end; returns its place.
  mutating func append(_ timer: LoopTimer) -> Int {
    queue.append(timer)
    count += 1
    return base + queue.count - 1
  }

  /// Removes the timer at a place.
  mutating func remove(at place: Int) {
    queue[place - base] = nil
    forgetOne()
  }

  /// Removes and returns the next one to call.
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
  /// Postpones a due timer until the loop has polled, if it is late or comes after a late one.
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

  /// Calls them after a poll; if a callback takes long, the rest waits for the next poll.
  func callLateTimers() {
    guard unsafe lateTimers.hasTurnBegun else { return }
    let start = uv_hrtime()
    // Only those that wait now: libuv calls one that is scheduled again.
    for _ in unsafe 0..<lateTimers.count {
      guard let timer = unsafe lateTimers.popFirst() else { break }
      timer.fireAfterPoll()
      if uv_hrtime() - start > LateTimers.lateness { break }
    }
    if unsafe lateTimers.count == 0 { inner.stopLookingForLateTimers() }
  }
}
