internal import CLibUV

#if os(Linux)
  internal import CSwiftRuntime
  internal import Glibc

  /// The loop's view of libdispatch's main queue, where Swift's runtime puts jobs of the main actor.
  ///
  /// It is an inner handle of the loop: it carries no `data`, and does not keep the loop alive. The
  /// loop closes it.
  @safe final class MainQueueWatch {
    /// What happens when something is in the queue.
    enum Purpose {
      /// The loop runs it.
      case serve
      /// A debug build warns once that no loop runs it.
      case warn
    }

    private let handle: UnsafeMutablePointer<uv_handle_t>
    private let descriptor: Int32
    private(set) var purpose: Purpose

    /// Begins to watch the queue.
    ///
    /// - Throws: The system's error when it gives no descriptor.
    init(on loop: EventLoop, _ purpose: Purpose) throws(UVError) {
      self.purpose = purpose
      descriptor = crt_open_main_queue()
      guard descriptor >= 0 else { throw UVError(-errno, .initialize) }
      unsafe handle = Handle.allocate(UV_POLL)
      let status = unsafe uv_poll_init(loop.raw, cuv_poll(handle), descriptor)
      guard status == 0 else {
        unsafe Handle.deallocate(handle)
        closeDescriptor(descriptor)
        throw UVError(status, .initialize)
      }
      unsafe handle.pointee.data = nil
      unsafe loop.handleTable.insertBare(handle)
      unsafe uv_unref(handle)
      start()
    }

    private func start() {
      _ = unsafe uv_poll_start(cuv_poll(handle), Int32(UV_READABLE.rawValue)) { poll, _, _ in
        guard let loop = unsafe poll?.pointee.loop else { return }
        unsafe EventLoop.of(loop).mainQueueHasJobs()
      }
    }

    /// Runs what is in the queue from now on.
    func serve() {
      purpose = .serve
      start()
    }

    /// Stops watching.
    func stop() { unsafe uv_poll_stop(cuv_poll(handle)) }

    /// Runs what is in the queue.
    func runJobs() { crt_run_main_queue(descriptor) }

    /// Gives the handle back to libuv, which frees it when the loop runs or is closed.
    func close() {
      unsafe uv_close(handle) { raw in
        guard let raw = unsafe raw else { return }
        unsafe EventLoop.of(raw.pointee.loop).handleTable.removeBare(raw)
        unsafe raw.deallocate()
      }
      closeDescriptor(descriptor)
    }

    /// Leaves the handle to a loop that is never freed, and keeps no descriptor.
    func abandon() {
      stop()
      closeDescriptor(descriptor)
    }

    /// Whether the caller is on the process's main thread.
    static var isOnMainThread: Bool { crt_is_main_thread() != 0 }
  }
#endif

extension EventLoop {
  /// Has the loop run the main actor, whose code otherwise waits for as long as ``run(file:line:)``
  /// occupies the main thread.
  ///
  /// Call it on the main thread, before or while the loop runs. From then on a task of the main
  /// actor, such as `Task { }` in a callback of a program with `@main`, runs on this loop, as does
  /// everything else in libdispatch's main queue. It does not keep the loop alive. A
  /// ``LoopProgram`` does it by itself. Calling it again does nothing.
  ///
  /// ```swift
  /// let loop = try EventLoop()
  /// try loop.serveMainActor()
  /// LoopTimer.after(.milliseconds(1), on: loop) { _ in
  ///   Task { await greeter.greet() }
  /// }
  /// loop.run()
  /// ```
  ///
  /// - Throws: ``UVError/Code/notPermitted`` on another thread than the main one, or once that one has
  ///   ended, as it does in a program whose `main` is `async`; ``UVError/Code/notSupported`` on systems
  ///   other than Linux; the system's error when it gives no descriptor.
  public func serveMainActor() throws(UVError) {
    checkThread()
    guard !isClosed, !isEnding else {
      throw UVError(.canceled, during: .initialize, domain: .library, detail: "the loop is ending")
    }
    #if os(Linux)
      guard MainQueueWatch.isOnMainThread else {
        throw UVError(
          .notPermitted, during: .initialize, domain: .library,
          detail: "the main actor is served on the main thread only")
      }
      if let mainQueue { return mainQueue.serve() }
      mainQueue = try MainQueueWatch(on: self, .serve)
    #else
      throw UVError(
        .notSupported, during: .initialize, domain: .library,
        detail: "the main actor is served on Linux only")
    #endif
  }
}

extension EventLoop {
  /// In debug builds: warns if a job is put into the main queue while the loop occupies the main
  /// thread and does not serve it.
  func watchForUnservedMainActor() {
    #if os(Linux)
      guard mainQueue == nil, MainQueueWatch.isOnMainThread else { return }
      // Without a descriptor there is no warning.
      mainQueue = try? MainQueueWatch(on: self, .warn)
    #endif
  }

  /// Stops watching the main queue before the loop is closed; true if the loop has served it.
  func closeMainQueue() -> Bool {
    #if os(Linux)
      defer { mainQueue = nil }
      mainQueue?.close()
      return mainQueue?.purpose == .serve
    #else
      return false
    #endif
  }

  /// Stops watching the main queue of a loop that is never freed.
  func abandonMainQueue() {
    #if os(Linux)
      mainQueue?.abandon()
      mainQueue = nil
    #endif
  }
}

#if os(Linux)
  extension EventLoop {
    /// Called by libuv while something is in the main queue.
    fileprivate func mainQueueHasJobs() {
      guard let mainQueue else { return }
      switch mainQueue.purpose {
      case .serve: dispatch { mainQueue.runJobs() }
      case .warn:
        mainQueue.stop()
        warn(
          "UVNet: something waits for the main actor, which EventLoop.run() keeps from running;"
            + " call loop.serveMainActor() before it\n")
      }
    }

    private func warn(_ text: String) {
      let text = Array(text.utf8)
      _ = unsafe text.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
  }
#endif
