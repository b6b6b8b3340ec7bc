internal import Synchronization
public import UVNet

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Runs an async test's body on a loop, on a thread of its own, and fails if it hangs.
///
/// A process has one loop for ``UVNet/LoopActor`` at a time: tests take turns, without holding a
/// thread of Swift's runtime while they wait for theirs.
///
/// ```swift
/// try await AsyncHarness.run { loop in
///   try await loop.sleep(for: .milliseconds(1))
/// }
/// ```
public enum AsyncHarness {
  /// Runs `body`, with the time that it may take bounded by a watchdog on its loop.
  ///
  /// - Parameters:
  ///   - watchdog: The time after which `body` counts as hung.
  ///   - body: The test.
  /// - Throws: What `body` throws; ``LoopHarnessError/hung(open:calls:)`` when the watchdog fired.
  public static func run(
    watchdog: Duration = .seconds(30),
    _ body: @escaping @LoopActor (EventLoop) async throws -> Void
  ) async throws {
    try await onThread {
      try EventLoop.run { loop in
        let open = OpenAtWatchdog()
        let timer = LoopTimer.after(watchdog, on: loop) { _ in
          open.handles = loop.openHandles
          loop.stop()
        }
        timer.keepsLoopAlive = false
        do {
          try await body(loop)
        } catch {
          if let open = open.handles { throw LoopHarnessError.hung(open: open, calls: []) }
          throw error
        }
        if let open = open.handles { throw LoopHarnessError.hung(open: open, calls: []) }
      }
    }
  }

  @LoopActor private final class OpenAtWatchdog {
    var handles: [String]?
  }

  /// Calls `body`, which runs a loop, on a thread of its own when no other test runs one.
  ///
  /// - Parameter body: May block.
  /// - Throws: What `body` throws.
  public static func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    await turns.take()
    let result = await withCheckedContinuation { continuation in
      startThread { continuation.resume(returning: Result { try body() }) }
    }
    turns.give()
    try result.get()
  }

  private static let turns = Turns()

  /// A lock that tasks get in the order in which they asked for it, and that blocks no thread.
  private final class Turns: Sendable {
    private let state = Mutex<(isTaken: Bool, waiting: [CheckedContinuation<Void, Never>])>(
      (false, []))

    func take() async {
      await withCheckedContinuation { continuation in
        let isMine = state.withLock { state in
          defer { state.isTaken = true }
          if state.isTaken { state.waiting.append(continuation) }
          return !state.isTaken
        }
        if isMine { continuation.resume() }
      }
    }

    func give() {
      let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
        guard !state.waiting.isEmpty else {
          state.isTaken = false
          return nil
        }
        return state.waiting.removeFirst()
      }
      next?.resume()
    }
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private static func startThread(_ body: @escaping @Sendable () -> Void) {
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let status = unsafe pthread_create(
      &thread, nil,
      { body in
        #if canImport(Darwin)
          Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run()
        #else
          if let body = unsafe body {
            unsafe Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run()
          }
        #endif
        return nil
      }, unsafe Unmanaged.passRetained(Body(body)).toOpaque())
    precondition(status == 0, "pthread_create: \(status)")
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
  }
}
