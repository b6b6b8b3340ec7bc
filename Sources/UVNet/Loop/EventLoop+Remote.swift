internal import CLibUV
internal import Synchronization

extension EventLoop {
  /// Lets any thread have work done on a loop's thread.
  public final class Remote: Sendable {
    /// What is waiting, and libuv's handle while it may still be signalled.
    @safe private struct Waiting {
      var work: [@Sendable (EventLoop) -> Void] = []
      var isAccepting = true
      let signal: UnsafeMutablePointer<uv_handle_t>
    }

    private let waiting: Mutex<Waiting>

    init(signal: sending UnsafeMutablePointer<uv_handle_t>) {
      waiting = unsafe Mutex(Waiting(signal: signal))
    }

    /// Has `body` called on the loop's thread, soon; callable from any thread.
    ///
    /// Bodies run in the order in which one thread gave them. The loop does not stay alive for
    /// work that may come: keep a handle open that does, or a timer. Work that has come is called
    /// before ``EventLoop/run(file:line:)`` returns; what comes after that is called by the next run,
    /// or by ``EventLoop/close(file:line:)``.
    ///
    /// - Parameter body: Called with the loop, on its thread.
    /// - Returns: Whether the loop took it, and will call it: `false` once the loop is ending or
    ///   closed.
    @discardableResult
    public func execute(_ body: @escaping @Sendable (EventLoop) -> Void) -> Bool {
      waiting.withLock { waiting in
        guard waiting.isAccepting else { return false }
        waiting.work.append(body)
        // Under the lock, since the loop may free the handle as soon as it has refused.
        return unsafe uv_async_send(cuv_async(waiting.signal)) == 0
      }
    }

    func refuse() { waiting.withLock { $0.isAccepting = false } }

    func accept() { waiting.withLock { $0.isAccepting = true } }

    /// Takes what is waiting.
    ///
    /// Nothing of the program's is called or freed under the lock.
    func takeWork() -> [@Sendable (EventLoop) -> Void] {
      waiting.withLock { waiting in
        let work = waiting.work
        waiting.work = []
        return work
      }
    }
  }

  /// Calls what other threads have given so far; whether there was any.
  func runRemoteWork() -> Bool {
    let work = remote.takeWork()
    guard !work.isEmpty else { return false }
    dispatch { for body in work { body(self) } }
    return true
  }
}
