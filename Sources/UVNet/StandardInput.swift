internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The process's standard input, whatever it is: a terminal, a pipe, a socket, a file, `/dev/null`,
/// or closed.
///
/// Terminals, pipes and sockets are read as bytes come. Of a file one piece is read on each turn of the
/// loop, because files cannot be polled, and without libuv's thread pool.
///
/// The mode of a terminal in raw mode must be restored: ``close()`` does that, and ``resetTerminal()``
/// does it in a signal handler or just before the process exits.
public final class StandardInput {
  /// What standard input is.
  public struct Kind: Sendable, Hashable {
    private let number: UInt8

    /// A terminal.
    public static let terminal = Kind(number: 0)
    /// A pipe or a socket.
    public static let stream = Kind(number: 1)
    /// A file or a device such as `/dev/null`.
    public static let file = Kind(number: 2)
    /// The descriptor is closed: the end comes at once.
    public static let closed = Kind(number: 3)
    /// A directory, a datagram socket or something else that is no source of bytes.
    public static let unreadable = Kind(number: 4)
  }

  /// What to call when something is read.
  public struct Handlers {
    /// Bytes were read; the span is valid during the call only.
    public var onData: (StandardInput, RawSpan) -> Void
    /// Nothing more will come.
    ///
    /// Called once, with the error that ended it, if any.
    public var onEnd: (StandardInput, UVError?) -> Void

    /// Makes a set of handlers.
    public init(
      onData: @escaping (StandardInput, RawSpan) -> Void,
      onEnd: @escaping (StandardInput, UVError?) -> Void
    ) {
      self.onData = onData
      self.onEnd = onEnd
    }
  }

  /// What standard input is.
  public let kind: Kind
  /// The loop that reads.
  public let loop: EventLoop

  private let stream: InputStream?
  /// Watches a device, whose `read` could otherwise block.
  private var device: DescriptorWatch?
  private var handlers: Handlers?
  private var isPaused = false
  private var hasEnded = false
  private var turnIsDue = false
  /// Fires when to check again whether the terminal is ours.
  private var waiting: LoopTimer?
  /// The descriptor's flags before libuv made it non-blocking, which other processes share.
  private var flagsToRestore: Int32?

  /// What standard input is, without opening it.
  public static var kind: Kind {
    switch uv_guess_handle(STDIN_FILENO) {
    case UV_TTY: .terminal
    case UV_NAMED_PIPE, UV_TCP: .stream
    case UV_FILE: .file
    default: fcntl(STDIN_FILENO, F_GETFD) < 0 ? .closed : .unreadable
    }
  }

  /// Opens standard input and begins to read it.
  ///
  /// - Parameters:
  ///   - loop: The loop to read on. Standard input keeps it alive until the end or ``close()``, also while
  ///     reading is paused, and the loop retains standard input until then.
  ///   - handlers: What to call.
  /// - Returns: Standard input.
  /// - Throws: The system's error if it cannot be read, as with a directory or a datagram socket;
  ///   ``UVError/Code/busy`` if it is open on this loop already.
  public static func open(
    on loop: EventLoop, _ handlers: Handlers
  ) throws(UVError) -> StandardInput {
    guard loop.standardInput == nil else {
      throw UVError(.busy, during: .open, detail: "standard input is open already")
    }
    let input = try StandardInput(on: loop, handlers)
    loop.standardInput = input
    try input.begin()
    return input
  }

  private init(on loop: EventLoop, _ handlers: Handlers) throws(UVError) {
    self.loop = loop
    self.handlers = handlers
    kind = Self.kind
    switch kind {
    case .terminal: stream = try InputStream(terminalOn: loop)
    case .stream:
      flagsToRestore = fcntl(STDIN_FILENO, F_GETFL)
      stream = try InputStream(descriptorOn: loop)
    case .unreadable:
      throw UVError(
        .invalidArgument, during: .open,
        detail: "standard input is a directory or a datagram socket")
    default: stream = nil
    }
  }

  /// Whether standard input is a device, other than a terminal.
  private static var isDevice: Bool {
    var status = stat()
    return unsafe fstat(STDIN_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
  }

  private func begin() throws(UVError) {
    if let stream {
      stream.owner = self
      do throws(UVError) {
        try stream.startReading()
      } catch {
        close()
        throw error
      }
    } else {
      if kind == .file, Self.isDevice { watchDevice() }
      takeTurn()
    }
  }

  /// Watches a device that can be polled; `/dev/null` cannot, and its `read` does not block.
  private func watchDevice() {
    let flags = fcntl(STDIN_FILENO, F_GETFL)
    device = try? DescriptorWatch.on(STDIN_FILENO, for: [], on: loop) { [weak self] watch, _ in
      watch.setEvents([])
      self?.readPiece()
    }
    if device != nil { flagsToRestore = flags }
  }

  /// Stops reading until ``resume()``.
  public func pause() {
    guard !isPaused, !hasEnded else { return }
    isPaused = true
    device?.setEvents([])
    loop.watchQuietConnection(keepingLoopAlive: true)
    waiting?.cancel()
    stream?.stopReading()
  }

  /// Reads again.
  ///
  /// - Throws: The system's error.
  public func resume() throws(UVError) {
    guard isPaused, !hasEnded else { return }
    isPaused = false
    loop.unwatchQuietConnection(keepingLoopAlive: true)
    if let stream { try stream.startReading() } else { takeTurn() }
  }

  /// Stops reading for good, and restores the terminal's mode and the descriptor's flags.
  public func close() {
    guard !hasEnded else { return }
    hasEnded = true
    handlers = nil
    if isPaused { loop.unwatchQuietConnection(keepingLoopAlive: true) }
    if loop.standardInput === self { loop.standardInput = nil }
    waiting?.cancel()
    device?.close()
    stream?.close()
    if let flagsToRestore { _ = fcntl(STDIN_FILENO, F_SETFL, flagsToRestore) }
    flagsToRestore = nil
  }

  fileprivate func didRead(_ bytes: UnsafeRawBufferPointer) {
    guard let handlers, !hasEnded else { return }
    loop.dispatch { unsafe handlers.onData(self, bytes.bytes) }
  }

  fileprivate func didEnd(_ status: Int32) {
    guard let handlers, !hasEnded else { return }
    let error = status == UV_EOF.rawValue ? nil : UVError(status, .read)
    close()
    loop.dispatch { handlers.onEnd(self, error) }
  }
}

// MARK: - Files

extension StandardInput {
  private func takeTurn() {
    if let device { return device.setEvents(.readable) }
    guard !turnIsDue else { return }
    turnIsDue = true
    loop.nextTick { self.readPiece() }
  }

  private func readPiece() {
    turnIsDue = false
    guard !hasEnded, !isPaused else { return }
    guard !loop.isEnding else { return close() }
    let buffer = unsafe loop.readBuffer
    let count = kind == .closed ? 0 : unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count)
    if count > 0 {
      unsafe didRead(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      takeTurn()
    } else if count < 0, errno == EINTR || errno == EAGAIN {
      takeTurn()
    } else {
      didEnd(count == 0 ? UV_EOF.rawValue : -errno)
    }
  }
}

// MARK: - Terminals

extension StandardInput {
  /// Switches a terminal between raw mode, in which each key arrives at once and nothing is echoed,
  /// and the mode that it was in.
  ///
  /// If standard input is not a terminal it does nothing.
  ///
  /// After the process was stopped and continued, a call sets raw mode again. While the terminal belongs
  /// to another job it does nothing, because setting it would stop the process.
  ///
  /// - Parameter enabled: Whether raw mode is to be on.
  /// - Throws: The system's error.
  public func setRawMode(_ enabled: Bool) throws(UVError) {
    guard kind == .terminal, Self.terminalIsOurs, let stream, !stream.isClosing else { return }
    // libuv does nothing if it believes that the mode is set already: set the normal mode in between.
    _ = unsafe uv_tty_set_mode(cuv_tty(stream.raw), UV_TTY_MODE_NORMAL)
    guard enabled else { return }
    let status = unsafe uv_tty_set_mode(cuv_tty(stream.raw), UV_TTY_MODE_RAW)
    guard status == 0 else { throw UVError(status, .setOption) }
  }

  /// The terminal's size in characters; `nil` if there is no terminal.
  public var windowSize: (columns: Int, rows: Int)? {
    guard kind == .terminal, let stream, !stream.isClosing else { return nil }
    var columns: Int32 = 0
    var rows: Int32 = 0
    guard unsafe uv_tty_get_winsize(cuv_tty(stream.raw), &columns, &rows) == 0 else { return nil }
    return (Int(columns), Int(rows))
  }

  /// Puts the terminal back into the mode that it was in before raw mode; safe in a signal handler.
  ///
  /// While the terminal belongs to another job it does nothing.
  public static func resetTerminal() { if terminalIsOurs { _ = uv_tty_reset_mode() } }

  /// Whether the terminal on standard input may be read and set; safe in a signal handler.
  ///
  /// While it belongs to another job, both would stop the process.
  package static var terminalIsOurs: Bool {
    let job = tcgetpgrp(STDIN_FILENO)
    // A terminal that does not control this process has no jobs.
    return job < 0 || job == getpgrp()
  }

  /// Continues to read when the terminal, which belongs to another job now, is ours again.
  ///
  /// The system does not report that, so a timer checks.
  fileprivate func waitForTerminal() {
    stream?.stopReading()
    waiting?.cancel()
    waiting = LoopTimer.after(.milliseconds(250), on: loop) { [weak self] _ in
      guard let self, !hasEnded, !isPaused else { return }
      guard Self.terminalIsOurs else { return waitForTerminal() }
      do throws(UVError) {
        try stream?.startReading()
      } catch {
        didEnd(error.code.rawValue)
      }
    }
  }
}

/// libuv's handle for standard input that can be polled.
private final class InputStream: Handle {
  /// Strong, so that standard input lives while it is read; the close releases it.
  var owner: StandardInput?

  init(terminalOn loop: EventLoop) throws(UVError) {
    try unsafe super.init(UV_TTY, on: loop) { loop, raw in
      unsafe uv_tty_init(loop, cuv_tty(raw), STDIN_FILENO, 1)
    }
  }

  /// For a pipe or a Unix socket, and for a TCP socket, which libuv reads in the same way.
  init(descriptorOn loop: EventLoop) throws(UVError) {
    try unsafe super.init(UV_NAMED_PIPE, on: loop) { loop, raw in
      unsafe uv_pipe_init(loop, cuv_pipe(raw), 0)
    }
    let status = unsafe uv_pipe_open(cuv_pipe(raw), STDIN_FILENO)
    guard status == 0 else {
      discard()
      throw UVError(status, .open)
    }
  }

  func startReading() throws(UVError) {
    guard !isClosing else { return }
    let status = unsafe uv_read_start(
      cuv_stream(raw),
      { handle, _, buffer in
        // Without a buffer libuv does not read, and reports ENOBUFS.
        let isTerminal = unsafe handle?.pointee.type == UV_TTY
        guard !isTerminal || StandardInput.terminalIsOurs else { return }
        unsafe EventLoop.lendReadBuffer(for: handle, in: buffer)
      },
      { stream, count, _ in
        guard let stream = unsafe stream else { return }
        unsafe Handle.of(
          UnsafeMutableRawPointer(stream).assumingMemoryBound(to: uv_handle_t.self),
          as: InputStream.self
        ).didRead(count)
      })
    guard status == 0 else { throw UVError(status, .read) }
  }

  func stopReading() {
    guard !isClosing else { return }
    unsafe uv_read_stop(cuv_stream(raw))
  }

  private func didRead(_ count: Int) {
    guard count != 0, !isClosing, let owner else { return }
    if count == UV_ENOBUFS.rawValue, owner.kind == .terminal {
      owner.waitForTerminal()
    } else if count > 0 {
      unsafe owner.didRead(UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]))
    } else {
      owner.didEnd(Int32(truncatingIfNeeded: count))
    }
  }

  override func willClose() {
    // Before the close: afterwards libuv does not know any more which terminal to restore.
    StandardInput.resetTerminal()
  }

  override func didClose() { owner = nil }

  override var debugName: String { "StandardInput\(isClosing ? " (closing)" : "")" }
}
