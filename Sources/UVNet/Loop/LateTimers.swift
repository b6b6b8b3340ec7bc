internal import CLibUV

/// Timers that are called late, and that wait for the loop to look for I/O first.
///
/// After a stand-still (SIGSTOP, a paused virtual machine, a long callback) libuv calls what is due
/// before it polls. The program would give up on peers whose bytes have long been in the kernel.
struct LateTimers {
  /// Later than this there was a stand-still, a short one perhaps: a loop that is not busy calls a
  /// timer within two milliseconds.
  static let lateness: UInt64 = 10_000_000

  /// In the order in which libuv would have called them.
  var waiting: [LoopTimer] = []
  /// Whether the loop has begun a turn since the first of them began to wait, and so will have
  /// polled at its end.
  var hasTurnBegun = false
}

extension EventLoop {
  /// Lets a timer that is due wait until the loop has polled, if it is late or follows one that is.
  func postpones(_ timer: LoopTimer, late: UInt64) -> Bool {
    guard late > LateTimers.lateness || !lateTimers.waiting.isEmpty else { return false }
    if lateTimers.waiting.isEmpty {
      lateTimers.hasTurnBegun = false
      inner.startLookingForLateTimers()
    }
    lateTimers.waiting.append(timer)
    return true
  }

  /// Forgets a timer that is not to be called any more.
  func forgetLate(_ timer: LoopTimer) { lateTimers.waiting.removeAll { $0 === timer } }

  /// Calls them after a poll; from a callback that takes long on, the rest waits for another.
  func callLateTimers() {
    guard lateTimers.hasTurnBegun else { return }
    let start = uv_hrtime()
    // Not more than wait now: one that is scheduled anew gets its turn from libuv.
    for _ in 0..<lateTimers.waiting.count {
      guard let timer = lateTimers.waiting.first else { break }
      lateTimers.waiting.removeFirst()
      timer.fireAfterPoll()
      if uv_hrtime() - start > LateTimers.lateness { break }
    }
    if lateTimers.waiting.isEmpty { inner.stopLookingForLateTimers() }
  }
}
