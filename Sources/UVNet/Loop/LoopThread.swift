internal import CLibUV
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A loop on a thread of its own, for programs that need more than one core.
///
/// ```swift
/// let worker = try LoopThread(name: "worker")
/// worker.remote.execute { loop in
///   // On the worker's thread: make timers, listeners and connections on `loop`.
/// }
/// worker.stop()
/// worker.join()
/// ```
///
/// The loop runs until ``stop()``, even with nothing to do. All signals are blocked on its thread, so
/// that the program's main thread gets them. The object itself may be used from any thread.
public final class LoopThread: Sendable {
  /// The name that debuggers and `/proc` show; the system may keep its first 15 bytes only.
  public let name: String

  /// The way to have work done on the thread.
  public let remote: EventLoop.Remote

  /// libuv's name for the thread, until it was waited for.
  private let thread: Mutex<uv_thread_t?>

  /// How many threads of this process can run at the same time: the cores that the system gives it, at
  /// least one.
  public static var availableCores: Int { Int(uv_available_parallelism()) }

  /// Starts a thread with a loop on it, and returns when the loop is ready.
  ///
  /// - Parameter name: A name for the thread.
  /// - Throws: The system's error when it gives no thread or no descriptor for a loop.
  public init(name: String) throws(UVError) {
    self.name = name
    let starting = Starting(name: name)
    var number = uv_thread_t()
    let status = Self.withSignalsBlocked {
      unsafe uv_thread_create(
        &number,
        { argument in
          guard let argument = unsafe argument else { return }
          unsafe Unmanaged<Starting>.fromOpaque(argument).takeRetainedValue().run()
        }, Unmanaged.passRetained(starting).toOpaque())
    }
    guard status == 0 else {
      unsafe Unmanaged.passUnretained(starting).release()
      throw UVError(status, .startThread)
    }
    switch starting.wait() {
    case .success(let remote):
      self.remote = remote
      thread = Mutex(number)
    case .failure(let error):
      _ = unsafe uv_thread_join(&number)
      throw error
    }
  }

  /// Ends the loop, as ``EventLoop/end()`` does: everything on it is closed.
  ///
  /// It does not wait; calling it again does nothing.
  public func stop() {
    remote.execute { loop in loop.end() }
  }

  /// Waits until the thread is over, which ``stop()`` or ``EventLoop/end()`` on its loop brings
  /// about; calling it again returns at once.
  ///
  /// Not for the thread itself: it would wait for its own end, which is a mistake in the program and
  /// stops it.
  public func join(file: StaticString = #fileID, line: UInt = #line) {
    thread.withLock { thread in
      guard var ended = thread else { return }
      var current = uv_thread_self()
      if unsafe uv_thread_equal(&current, &ended) != 0 {
        stopProgram("LoopThread.join() was called on the thread itself", file, line)
      }
      _ = unsafe uv_thread_join(&ended)
      thread = nil
    }
  }

  /// Calls `body` with all signals blocked, which a thread that it starts inherits.
  private static func withSignalsBlocked(_ body: () -> Int32) -> Int32 {
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    let result = body()
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    return result
  }
}

/// What the thread that starts a ``LoopThread`` and the new thread tell each other.
@safe private final class Starting: Sendable {
  private let name: String
  /// A semaphore is made for use by several threads.
  nonisolated(unsafe) private let isReady: UnsafeMutablePointer<uv_sem_t>
  private let result = Mutex<Result<EventLoop.Remote, UVError>>(
    .failure(UVError(.canceled, during: .startThread)))

  init(name: String) {
    self.name = name
    let semaphore = UnsafeMutablePointer<uv_sem_t>.allocate(capacity: 1)
    unsafe semaphore.initialize(to: uv_sem_t())
    // It fails for numbers that are too large only.
    unsafe uv_sem_init(semaphore, 0)
    unsafe isReady = semaphore
  }

  deinit {
    unsafe uv_sem_destroy(isReady)
    unsafe isReady.deallocate()
  }

  func wait() -> Result<EventLoop.Remote, UVError> {
    unsafe uv_sem_wait(isReady)
    return result.withLock { $0 }
  }

  /// The new thread's whole life.
  func run() {
    nameThread()
    let loop: EventLoop
    do throws(UVError) {
      loop = try EventLoop()
    } catch {
      return tell(.failure(error))
    }
    tell(.success(loop.remote))
    loop.inner.keepLoopAlive()
    while !loop.isEnding { loop.run() }
    loop.endAndClose()
  }

  private func tell(_ outcome: Result<EventLoop.Remote, UVError>) {
    result.withLock { $0 = outcome }
    unsafe uv_sem_post(isReady)
  }

  private func nameThread() {
    let name = String(decoding: self.name.utf8.prefix(15), as: UTF8.self)
    #if canImport(Darwin)
      _ = unsafe pthread_setname_np(name)
    #else
      _ = unsafe pthread_setname_np(pthread_self(), name)
    #endif
  }
}
