internal import CLibUV

/// A wait for an instant to the nanosecond, by a timerfd, which becomes readable then.
///
/// libuv and the system's poll count milliseconds. Only Linux has it. Elsewhere, or if no descriptor is
/// left, ``make`` returns nil, and a ``LoopTimer`` uses libuv's timer.
final class Alarm: Handle {
  private let descriptor: Int32
  private var body: (() -> Void)?

  #if os(Linux)
    /// An alarm that calls `body` at each instant that is set; nil if the system gives none.
    static func make(on loop: EventLoop, _ body: @escaping () -> Void) -> Alarm? {
      let descriptor = cuv_alarm_create()
      guard descriptor >= 0 else { return nil }
      do throws(UVError) {
        let alarm = try Alarm(descriptor, on: loop, body)
        guard alarm.watch() else {
          alarm.close()
          return nil
        }
        return alarm
      } catch {
        closeDescriptor(descriptor)
        return nil
      }
    }

    private init(
      _ descriptor: Int32, on loop: EventLoop, _ body: @escaping () -> Void
    ) throws(UVError) {
      self.descriptor = descriptor
      self.body = body
      try unsafe super.init(UV_POLL, on: loop) { loop, raw in
        unsafe uv_poll_init(loop, cuv_poll(raw), descriptor)
      }
    }

    /// Watched all the time, since stopping and starting would cost two system calls.
    private func watch() -> Bool {
      let status = unsafe uv_poll_start(cuv_poll(raw), Int32(UV_READABLE.rawValue)) { poll, _, _ in
        guard let poll = unsafe poll else { return }
        unsafe Handle.of(
          UnsafeMutableRawPointer(poll).assumingMemoryBound(to: uv_handle_t.self), as: Alarm.self
        ).ring()
      }
      unsafe uv_unref(raw)
      return status == 0
    }

    /// Sets the instant, on the clock of ``EventLoop/now``; false if the system refuses.
    func set(_ nanoseconds: UInt64, keepsLoopAlive: Bool) -> Bool {
      let present = uv_hrtime()
      // 0 would disarm the timer.
      let wait = nanoseconds > present ? nanoseconds - present : 1
      guard !isClosing, cuv_alarm_set(descriptor, wait) == 0 else { return false }
      if keepsLoopAlive { unsafe uv_ref(raw) } else { unsafe uv_unref(raw) }
      return true
    }

    /// Disarms the alarm until it is set again.
    func unset() {
      guard !isClosing else { return }
      _ = cuv_alarm_set(descriptor, 0)
      unsafe uv_unref(raw)
    }

    private func ring() {
      // Otherwise the descriptor stays readable and the callback is called again at once.
      unset()
      loop.dispatch { body?() }
    }
  #else
    static func make(on loop: EventLoop, _ body: @escaping () -> Void) -> Alarm? { nil }
    func set(_ nanoseconds: UInt64, keepsLoopAlive: Bool) -> Bool { false }
    func unset() {}
  #endif

  override func didClose() {
    // Not earlier: libuv must not watch a closed descriptor.
    closeDescriptor(descriptor)
    body = nil
  }
}
