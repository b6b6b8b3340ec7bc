internal import CLibUV
internal import Synchronization

extension EventLoop {
  /// The door for other threads: the one part of a loop that may leave its thread.
  ///
  /// Ask for it on the loop's own thread, then hand it to others.
  public var remote: Remote {
    get throws(UVError) {
      checkIsOpen()
      checkThread()
      if let remoteDoor { return remoteDoor.remote }
      let door = try RemoteDoor(on: self)
      remoteDoor = door
      return door.remote
    }
  }

  /// Lets any thread have work done on a loop's thread.
  public final class Remote: Sendable {
    /// What is waiting, and libuv's handle while it may still be signalled.
    @safe struct Waiting {
      var work: [@Sendable (EventLoop) -> Void] = []
      var signal: UnsafeMutablePointer<uv_handle_t>?
    }

    let waiting: Mutex<Waiting>

    init(signal: sending UnsafeMutablePointer<uv_handle_t>) {
      waiting = unsafe Mutex(Waiting(signal: signal))
    }

    /// Has `body` called on the loop's thread, soon; callable from any thread.
    ///
    /// Bodies run in the order in which one thread gave them. The loop does not stay alive for
    /// work that may come: keep a handle open that does, or a timer.
    ///
    /// - Parameter body: Called with the loop, on its thread.
    /// - Returns: Whether the loop took it: `false` once the loop is closed.
    @discardableResult
    public func execute(_ body: @escaping @Sendable (EventLoop) -> Void) -> Bool {
      waiting.withLock { waiting in
        guard let signal = unsafe waiting.signal else { return false }
        waiting.work.append(body)
        return unsafe uv_async_send(cuv_async(signal)) == 0
      }
    }
  }
}

/// The loop's side of ``EventLoop/Remote``: the libuv handle that wakes it.
@safe final class RemoteDoor {
  let remote: EventLoop.Remote
  private let raw: UnsafeMutablePointer<uv_handle_t>

  init(on loop: EventLoop) throws(UVError) {
    let raw = unsafe Handle.allocate(UV_ASYNC)
    let status = unsafe uv_async_init(loop.raw, cuv_async(raw)) { handle in
      guard let handle = unsafe handle else { return }
      unsafe EventLoop.of(handle.pointee.loop).runRemoteWork()
    }
    guard status == 0 else {
      unsafe raw.deallocate()
      throw UVError(status, .initialize)
    }
    unsafe raw.pointee.data = nil
    unsafe uv_unref(raw)
    unsafe self.raw = raw
    nonisolated(unsafe) let signal = unsafe raw
    remote = unsafe EventLoop.Remote(signal: signal)
  }

  /// Ends the door: later work is refused, and libuv frees the handle on the loop's next turn.
  func shut() {
    remote.waiting.withLock { waiting in
      unsafe waiting.signal = nil
      waiting.work = []
    }
    unsafe uv_close(raw) { raw in unsafe raw?.deallocate() }
  }
}

extension EventLoop {
  fileprivate func runRemoteWork() {
    guard let remoteDoor else { return }
    let work = remoteDoor.remote.waiting.withLock { waiting in
      let work = waiting.work
      waiting.work = []
      return work
    }
    dispatch { for body in work { body(self) } }
  }
}
