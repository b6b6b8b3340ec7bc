internal import CLibUV

/// A two-way stream of bytes: what connections of every kind have in common.
///
/// Callbacks come in this order: data, then at most one end; write completions as the kernel takes
/// bytes; and last, exactly once, the close. None comes before the call that asked for it has
/// returned.
///
/// Writes are collected: all that a callback writes leaves in one system call when it returns.
@safe public class StreamConnection: Handle {
  // The properties that a read and an answer use come first, so that they share two lines of the
  // processor's cache, and in the order that needs the least padding: ten thousand idle connections
  // hold them.
  final var progress: Progress = []
  /// Retained manually from ``start(_:)`` to the close callback, so that a read does not retain it.
  final var handlers: Unmanaged<ConnectionClosures>?
  final var limits: SharedLimits
  /// Used only while no code of the program runs, so that accesses cannot overlap.
  @exclusivity(unchecked) final var queue = WriteQueue()
  final var received: UInt64 = 0
  private final var programTag = 0
  final var reason: CloseReason?
  private final var rareState: RareState?

  /// State that most connections never need, or only at their end.
  final class RareState {
    var lingerTimer: LoopTimer?
    /// How long the peer has for its end once all was sent, if that is less than the timer leaves it.
    var timeOnceSent: Duration?
    var unsentAtClose = 0
    var transform: TransformSlot?
    /// What came behind a header that is not the program's.
    var unread: [UInt8] = []
    var tasks: ConnectionTasks?
    var idleWatch: IdleWatch?
  }

  /// The state that most connections never need; made at its first use.
  final var rare: RareState {
    if let rareState { return rareState }
    let new = RareState()
    rareState = new
    return new
  }

  /// The state that most connections never need; `nil` before its first use.
  final var existingRare: RareState? { rareState }

  /// The state of tasks that use the connection; `nil` unless the program is async.
  final var tasks: ConnectionTasks? {
    get { rareState?.tasks }
    set { rare.tasks = newValue }
  }

  /// Bytes received so far.
  public final var bytesRead: UInt64 { received }

  // Not the stored property itself: another module that used it directly would pay a dynamic
  // exclusivity check for each access.
  @usableFromInline
  final var rawTag: Int {
    get { programTag }
    set { programTag = newValue }
  }

  /// How many bytes may wait to be sent; may be changed at any time.
  public final var writeLimits: WriteLimits {
    get { limits.value }
    set { limits = SharedLimits(newValue) }
  }

  /// What has happened to the connection; flags, since most may come in any order.
  struct Progress: OptionSet {
    let rawValue: UInt16
    static let reading = Self(rawValue: 1)
    static let paused = Self(rawValue: 2)
    static let endReceived = Self(rawValue: 4)
    static let needsFlush = Self(rawValue: 8)
    static let aboveHighWater = Self(rawValue: 16)
    static let shutdownAsked = Self(rawValue: 32)
    static let shutdownBegun = Self(rawValue: 64)
    static let shutdownDone = Self(rawValue: 128)
    /// Closing gracefully: input is thrown away.
    static let lingering = Self(rawValue: 256)
    /// The peer is gone, but what it sent, and its end, are still to be read.
    static let broken = Self(rawValue: 512)
    /// Among the quiet connections, which the loop checks once a second.
    static let watched = Self(rawValue: 1024)
    /// The close does not offer the collected bytes to the kernel.
    static let withoutLastOffer = Self(rawValue: 2048)
    /// A write that libuv had has failed: its memory waits for the close.
    static let writeFailed = Self(rawValue: 4096)
    /// A ``StreamTransform`` stands between the socket and the program.
    static let transformed = Self(rawValue: 8192)
    /// Bytes were read that belong to whoever starts the connection.
    static let hasUnread = Self(rawValue: 16384)

    /// Nothing may be written any more.
    static let cannotWrite: Self = [.shutdownAsked, .broken]
    /// A write is refused, or goes through a transform.
    static let notWrittenAsItIs: Self = [.shutdownAsked, .broken, .transformed]
  }

  init(
    _ type: uv_handle_type, on loop: EventLoop, limits: SharedLimits,
    initialize: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutablePointer<uv_handle_t>) -> Int32
  ) throws(UVError) {
    self.limits = limits
    try unsafe super.init(type, on: loop, initialize: initialize)
  }

  @usableFromInline
  final func start(_ closures: ConnectionClosures, _ file: StaticString, _ line: UInt) {
    guard !isClosing else {
      // No callback will come but the close, and only if it has not come yet.
      if unsafe self.handlers == nil, !isClosed {
        unsafe self.handlers = .passRetained(closures)
      }
      return
    }
    guard unsafe self.handlers == nil else {
      stopProgram("StreamConnection.start() was called twice", file, line)
    }
    unsafe self.handlers = .passRetained(closures)
    beginReading()
  }

  @usableFromInline
  final func replace(_ closures: ConnectionClosures) {
    loop.checkThread()
    guard !isClosing, let old = unsafe handlers?.takeRetainedValue() else { return }
    unsafe handlers = .passRetained(closures)
    // The closure that is running may be one of the old ones.
    loop.nextTick { withExtendedLifetime(old) {} }
  }

  /// Why the connection was closed; `nil` while it is open.
  public final var closeReason: CloseReason? { isClosing ? reason : nil }

  override func willClose() {
    if progress.contains(.transformed) { endTransform() }
    let unsent = unsent - lastOffer()
    if unsent > 0 { rare.unsentAtClose = unsent }
    if reason == nil { reason = progress.contains(.endReceived) ? .peer : .local }
    unwatch()
    guard let rareState else { return }
    rareState.lingerTimer?.cancel()
    rareState.lingerTimer = nil
    rareState.transform?.timer?.cancel()
    stopIdleWatch()
  }

  override func didClose() {
    let handlers = unsafe self.handlers?.takeRetainedValue()
    unsafe self.handlers = nil
    unsafe queue.discardCollected(pool: &loop.writeBuffers)
    unsafe queue.finishInFlight(pool: &loop.writeBuffers)
    let written = bytesWritten
    while let completion = unsafe queue.nextFinished(upTo: written) { completion(.success(())) }
    while let completion = unsafe queue.nextAbandoned() {
      completion(.failure(failure ?? UVError(.canceled, during: .write)))
    }
    if progress.contains(.transformed) { dropTransform() }
    handlers?.onClose?(self, reason ?? .local)
    tasks?.didClose()
  }

  /// Whether a hang-up without an error means that the peer is gone.
  var isGoneWhenHungUp: Bool { false }

  override final func add(to counters: inout EventLoop.Counters) {
    counters.bytesRead &+= bytesRead
    counters.bytesWritten &+= bytesWritten
  }

  override final var asQuietConnection: StreamConnection? {
    progress.contains(.watched) ? self : nil
  }

  override final func didChangeKeepsLoopAlive() {
    guard progress.contains(.watched) else { return }
    loop.addQuietConnectionsKeepingAlive(keepsLoopAlive ? 1 : -1)
  }

  deinit {
    assert(!progress.contains(.needsFlush), "a connection was freed while its loop would flush it")
  }

  final var failure: UVError? {
    reason?.error
  }

  /// Calls `body` with the connection of a libuv stream, in a callback of libuv's.
  ///
  /// Without a retain or release: the close callback, which releases the connection, cannot come
  /// while another callback runs.
  @inline(__always)
  static func with(
    _ raw: UnsafeMutablePointer<uv_stream_t>, _ body: (StreamConnection) -> Void
  ) {
    guard let data = unsafe raw.pointee.data else { return }
    unsafe Unmanaged<StreamConnection>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
  }
}
