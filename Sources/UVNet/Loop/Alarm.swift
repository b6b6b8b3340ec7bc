internal import CLibUV

/// A wait for an instant to the nanosecond, by a descriptor that the system makes readable then.
///
/// libuv and the system's poll count in milliseconds. Linux alone has this; elsewhere, and where no
/// descriptor is left, there is none, and a ``LoopTimer`` does without.
final class Alarm: Handle {
  private let descriptor: Int32
  private var body: (() -> Void)?

  #if os(Linux)
    /// An alarm that calls `body` at each instant that is set, unless there is none to be had.
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

    /// Rings at an instant on the clock of ``EventLoop/now``; false when it cannot.
    func set(_ nanoseconds: UInt64, keepsLoopAlive: Bool) -> Bool {
      let present = uv_hrtime()
      // 0 would be never.
      let wait = nanoseconds > present ? nanoseconds - present : 1
      guard !isClosing, cuv_alarm_set(descriptor, wait) == 0 else { return false }
      if keepsLoopAlive { unsafe uv_ref(raw) } else { unsafe uv_unref(raw) }
      return true
    }

    /// Does not ring before it is set again.
    func unset() {
      guard !isClosing else { return }
      _ = cuv_alarm_set(descriptor, 0)
      unsafe uv_unref(raw)
    }

    private func ring() {
      // It would be readable, and ring, for ever.
      unset()
      loop.dispatch { body?() }
    }
  #else
    static func make(on loop: EventLoop, _ body: @escaping () -> Void) -> Alarm? { nil }
    func set(_ nanoseconds: UInt64, keepsLoopAlive: Bool) -> Bool { false }
    func unset() {}
  #endif

  override func didClose() {
    // Not before: libuv must not be watching a descriptor that is closed.
    closeDescriptor(descriptor)
    body = nil
  }
}
