internal import CLibUV

/// Running a loop turn by turn: for a program that has another loop, and embeds this one in it.
///
/// The other loop waits for ``pollDescriptor`` to become readable, for ``pollTimeout`` at most, and
/// then calls ``runWithoutWaiting(file:line:)``.
extension EventLoop {
  /// Waits until something happens, calls what is due, and returns: one turn of the loop.
  ///
  /// It does not wait when something is due already, or when nothing keeps the loop alive; and it may
  /// return without having called anything. What was written has been offered to the kernel when it
  /// returns, as with ``run(file:line:)``, and a callback must not call it.
  ///
  /// ```swift
  /// while answer == nil, loop.runOnce() {}
  /// ```
  ///
  /// - Returns: Whether there is more to wait for: false once nothing keeps the loop alive, or, on a
  ///   loop that is ending, once all that had to be called was called.
  @discardableResult
  public func runOnce(file: StaticString = #fileID, line: UInt = #line) -> Bool {
    checkIsOpen("EventLoop.runOnce() was called after close()", file, line)
    checkIsNotRunning("EventLoop.runOnce() was called by one of its own callbacks", file, line)
    return unsafe runTurn { loop in
      // libuv before 1.45 calls what is due and waits all the same.
      let mode = unsafe inner.pollTimeout(loop) == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE
      return unsafe uv_run(loop, mode)
    }
  }

  /// Calls what is due now and returns: one turn of the loop, without a wait.
  ///
  /// That is done though nothing keeps the loop alive, so that signals and timers that do not are
  /// called, too. What was written has been offered to the kernel when it returns, as with
  /// ``run(file:line:)``, and a callback must not call it.
  ///
  /// - Returns: As ``runOnce(file:line:)`` does.
  @discardableResult
  public func runWithoutWaiting(file: StaticString = #fileID, line: UInt = #line) -> Bool {
    checkIsOpen("EventLoop.runWithoutWaiting() was called after close()", file, line)
    checkIsNotRunning(
      "EventLoop.runWithoutWaiting() was called by one of its own callbacks", file, line)
    return unsafe runTurn { loop in
      inner.asIfAlive { unsafe uv_run(loop, UV_RUN_NOWAIT) }
    }
  }

  /// A descriptor that is readable while a turn of the loop has something to do: epoll's on Linux,
  /// kqueue's on macOS.
  ///
  /// It is the loop's: it must not be closed, and what comes of it must not be read.
  public var pollDescriptor: Int32 {
    checkIsOpen("EventLoop.pollDescriptor was asked for after close()", #fileID, #line)
    return unsafe uv_backend_fd(raw)
  }

  /// How long another loop may wait for ``pollDescriptor`` before it calls
  /// ``runWithoutWaiting(file:line:)``: zero for not at all, `nil` for ever.
  ///
  /// In whole milliseconds, rounded down. Ask right before each wait: whatever is done to the loop and
  /// its handles may change it, and what was written or watched outside of a turn needs one to take
  /// effect.
  public var pollTimeout: Duration? {
    checkIsOpen("EventLoop.pollTimeout was asked for after close()", #fileID, #line)
    checkThread()
    if isEnding { return hasEnded ? nil : .zero }
    guard unsafe firstUnflushed == nil, !hasCollectedDatagrams else { return .zero }
    let timeout = inner.asIfAlive { unsafe inner.pollTimeout(raw) }
    return timeout < 0 ? nil : .milliseconds(timeout)
  }

  /// Lets libuv run once, with all that a run of the loop does before and after that.
  private func runTurn(_ body: (UnsafeMutablePointer<uv_loop_t>) -> Int32) -> Bool {
    beginRun()
    if !isStopRequested { _ = unsafe isEnding ? uv_run(raw, UV_RUN_NOWAIT) : body(raw) }
    let isMore = finishTurn()
    endRun()
    return isMore
  }
}
