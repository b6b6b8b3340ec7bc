internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension EventLoop {
  /// Runs callbacks until ``stop(file:line:)`` or ``end()`` is called or nothing keeps the loop
  /// alive.
  ///
  /// What was written, whoever wrote it and when, has been offered to the kernel when it returns.
  /// It may be called again. A callback must not call it: that is a mistake in the program, and
  /// stops it.
  public func run(file: StaticString = #fileID, line: UInt = #line) {
    checkIsOpen("EventLoop.run() was called after close()", file, line)
    checkIsNotRunning("EventLoop.run() was called by one of its own callbacks", file, line)
    #if DEBUG
      watchForUnservedMainActor()
    #endif
    beginRun()
    repeat {
      if !isStopRequested { _ = unsafe uv_run(raw, isEnding ? UV_RUN_NOWAIT : UV_RUN_DEFAULT) }
    } while finishTurn() && !isStopRequested
    endRun()
  }

  /// Sends what was written since the last run.
  func beginRun() {
    runner = pthread_self()
    flushWrites()
  }

  /// Does what libuv does not know of, after it has run; whether there is more to do.
  func finishTurn() -> Bool {
    // From 1.45 on libuv's timers come after its prepare handle, and may be the last thing in a run.
    flushWrites()
    if runRemoteWork() { inner.wake() }
    return isEnding ? !hasEnded : unsafe uv_loop_alive(raw) != 0
  }

  /// Offers the kernel what the last callbacks wrote: nothing of the program's is called any more.
  func endRun() {
    offerWrites()
    isStopRequested = false
    runner = nil
  }

  /// Ends the loop: closes every handle as ``Handle/close()`` does, gives up every look-up, and lets
  /// nothing new begin.
  ///
  /// That holds from now on: what would make a handle fails with ``UVError/Code/canceled``, a timer
  /// that is made is closed from the start, and ``Remote/execute(_:)`` refuses. The run that is under
  /// way, or else the next one, returns as soon as all close callbacks have come and all bodies that
  /// were accepted before have been called, and does not wait for the system to answer look-ups.
  ///
  /// Legal in every callback; calling it again does nothing.
  public func end() {
    guard !isClosed, !isEnding else { return }
    checkThread()
    endWasAsked = true
    remote.refuse()
    for lookup in lookups { lookup.cancel() }
    for attempt in waitingAttempts.values { attempt.cancel() }
    standardInput?.close()
    for handle in handles() { handle.close() }
    tasks?.cancelWaits()
    if runner != nil { unsafe uv_stop(raw) }
  }

  /// Ends a program's loop in one call: closes everything as ``end()`` does, runs until all close
  /// callbacks have come, and frees the loop as ``close(file:line:)`` does.
  ///
  /// It returns soon: a look-up that the system is still working on is given up, and costs some
  /// memory and three descriptors for the rest of the process's life. So does a loop on which a C
  /// library still has something open (``unsafeRawLoop``): have the library close it before.
  ///
  /// Calling it again does nothing. A callback must not call it, but ``end()``: that is a mistake in
  /// the program, and stops it.
  public func endAndClose(file: StaticString = #fileID, line: UInt = #line) {
    guard !isClosed else { return }
    checkIsNotRunning("EventLoop.endAndClose() was called by one of its own callbacks", file, line)
    end()
    repeat {
      isStopRequested = false
      run()
    } while !hasEnded
    do { try close() } catch { abandon() }
  }

  /// Whether all that was to be called back before the end has been.
  ///
  /// What C libraries have closed is waited for: their close callbacks free its memory.
  var hasEnded: Bool {
    unsafe ticks.isEmpty && firstUnflushed == nil && handleTable.isEmpty
      && !foreignHandles().contains(where: \.isClosing)
  }

  /// Calls bodies that are waiting when no run follows; other threads' work is refused from then on.
  func callWhatWasAccepted() {
    runner = pthread_self()
    remote.refuse()
    _ = runRemoteWork()
    runTicks()
    offerWrites()
    runner = nil
  }
}

// MARK: - Turns

extension EventLoop {
  static func of(_ raw: UnsafeMutablePointer<uv_loop_t>) -> EventLoop {
    unsafe context(of: raw).pointee.loop.takeUnretainedValue()
  }

  /// It lies right before libuv's loop, whose `data` is thus free for C libraries.
  private static func context(
    of raw: UnsafeMutablePointer<uv_loop_t>
  ) -> UnsafeMutablePointer<Context> {
    unsafe (UnsafeMutableRawPointer(raw) - contextRoom).assumingMemoryBound(to: Context.self)
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
    let start = extras.isEmpty ? 0 : callbackStart
    // It counts calls on the stack, and so cannot overflow.
    callbackDepth &+= 1
    body()
    if !extras.isEmpty { finishCallback(start) }
    if callbackDepth == 1, unsafe firstUnflushed != nil { flushInCallback() }
    callbackDepth &-= 1
  }

  /// Calls into the program for a timer: answers due in one turn leave together, before the poll.
  @inline(__always)
  func dispatchTimer(_ body: () -> Void) {
    let start = extras.isEmpty ? 0 : callbackStart
    callbackDepth &+= 1
    isInTimerCallback = true
    body()
    isInTimerCallback = false
    callbackDepth &-= 1
    guard !extras.isEmpty else { return }
    callbackEnded(start)
    // libuv may be about to end the turn: nothing else would keep the loop alive for them.
    if hasJobs { inner.wake() }
  }

  /// Jobs of tasks are waiting: the outermost callback runs them when it is over, or the next turn.
  @inline(__always)
  func jobsHaveCome() {
    hasJobs = true
    if callbackDepth == 0 { inner.wake() }
  }

  /// Out of line, so that a callback of a program without tasks costs two looks at a byte.
  @inline(never)
  private func finishCallback(_ start: UInt64) {
    if hasJobs, callbackDepth == 1 { runJobs() }
    callbackEnded(start)
    if hasCollectedDatagrams, callbackDepth == 1 { sendCollectedDatagrams() }
  }

  /// Runs the jobs of tasks that this callback has woken, before what they write leaves with it.
  func runJobs() { hasJobs = executor?.runJobs() ?? false }

  /// Called by libuv in each turn before it waits for events.
  func beforePoll() {
    turns &+= 1
    executor?.beginTurn()
    finishForeignCallbacks()
  }

  /// Does what follows a callback that was not called by way of ``dispatch(_:)``.
  func finishForeignCallbacks() {
    if hasJobs {
      let start = callbackStart
      callbackDepth += 1
      runJobs()
      callbackDepth -= 1
      callbackEnded(start)
      if hasJobs { inner.wake() }
    }
    flushWrites()
  }

  func runTicks() {
    let due = ticks
    ticks = []
    for body in due {
      let start = callbackStart
      callbackDepth += 1
      body()
      callbackDepth -= 1
      callbackEnded(start)
    }
  }
}

// MARK: - Collected writes

extension EventLoop {
  /// Remembers a connection that has collected writes.
  @inline(__always)
  func needsFlush(_ connection: StreamConnection) {
    if unsafe firstUnflushed == nil {
      unsafe firstUnflushed = .passUnretained(connection)
    } else {
      unsafe otherUnflushed.append(.passUnretained(connection))
    }
  }

  /// Sends collected writes, one pass: what completions write in it gets the next turn, or a fast
  /// peer could keep us here.
  func flushWrites() {
    if hasCollectedDatagrams { sendCollectedDatagrams() }
    guard unsafe firstUnflushed != nil else { return }
    callbackDepth &+= 1
    flushInCallback()
    callbackDepth &-= 1
  }

  /// Does what ``flushWrites()`` does, while ``callbackDepth`` says that callbacks are under way: the
  /// completions are.
  private func flushInCallback() {
    guard let first = unsafe firstUnflushed else { return }
    unsafe firstUnflushed = nil
    let count = unsafe otherUnflushed.count
    unsafe first._withUnsafeGuaranteedRef { $0.flush() }
    if count > 0 {
      for index in 0..<count {
        let next = unsafe otherUnflushed[index]
        unsafe next._withUnsafeGuaranteedRef { $0.flush() }
      }
      unsafe otherUnflushed.removeFirst(count)
    }
    if unsafe firstUnflushed != nil || hasJobs { inner.wake() }
  }

  /// Offers collected writes to the kernel and calls nobody: for the end of a run, after which
  /// nothing of the program's may be called.
  private func offerWrites() {
    if hasCollectedDatagrams { sendCollectedDatagrams() }
    guard let first = unsafe firstUnflushed else { return }
    unsafe first._withUnsafeGuaranteedRef { $0.offerWrites() }
    for index in unsafe otherUnflushed.indices {
      unsafe otherUnflushed[index]._withUnsafeGuaranteedRef { $0.offerWrites() }
    }
  }
}

// MARK: - Handles

extension EventLoop {
  /// Every handle of the library's on this loop, closing ones included.
  func handles() -> [Handle] { unsafe handleTable.all }
}
