internal import CLibUV

/// A two-way stream of bytes: what connections of every kind have in common.
///
/// Callbacks come in this order: data, then at most one end; write completions as the kernel takes
/// bytes; and last, exactly once, the close. None comes before the call that asked for it has
/// returned.
///
/// Writes are collected: all that a callback writes leaves in one system call when it returns.
@safe public class StreamConnection: Handle {
  // What a read and an answer touch comes first, so that it shares two lines of the processor's
  // cache; within that, in the order that packs best: ten thousand idle connections hold these.
  final var progress: Progress = []
  /// Counted by hand, from ``start(_:)`` to the close callback: no read counts it anew.
  final var handlers: Unmanaged<ConnectionClosures>?
  final var limits: SharedLimits
  /// Only ever touched for a moment in which nothing of the program's runs.
  @exclusivity(unchecked) final var queue = WriteQueue()
  final var received: UInt64 = 0
  private final var programTag = 0
  final var reason: CloseReason?
  private final var rareState: RareState?

  /// What most connections never need, or at their end only.
  final class RareState {
    var lingerTimer: LoopTimer?
    var unsentAtClose = 0
    var transform: TransformSlot?
    var tasks: ConnectionTasks?
    var idleWatch: IdleWatch?
  }

  /// What most connections never need, made now if it was not before.
  final var rare: RareState {
    if let rareState { return rareState }
    let new = RareState()
    rareState = new
    return new
  }

  /// What most connections never need, if anything of it is there.
  final var existingRare: RareState? { rareState }

  /// What tasks that use the connection need; none do unless the program is async.
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

  /// How much may be on its way out; may be changed at any time.
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
    /// The peer is gone, which reading has still to find out: after what it sent comes its end.
    static let broken = Self(rawValue: 512)
    /// Among the quiet connections, which the loop looks at.
    static let watched = Self(rawValue: 1024)
    /// Closes without another offer to the kernel.
    static let withoutLastOffer = Self(rawValue: 2048)
    /// A write that libuv had has failed: its memory waits for the close.
    static let writeFailed = Self(rawValue: 4096)
    /// A ``StreamTransform`` stands between the socket and the program.
    static let transformed = Self(rawValue: 8192)

    /// Nothing may be written any more.
    static let cannotWrite: Self = [.shutdownAsked, .broken]
    /// What the program writes is not what is sent.
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
      // Nothing more will come but the close callback, where that is still owed.
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
    // One of the old ones may be what is running.
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

  /// Whether a peer is gone that the system says has hung up, though there is no error.
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

  /// Calls `body` with the connection behind a stream that libuv calls back for.
  ///
  /// Without a retain or release: its close callback, which gives up the connection's own, cannot come
  /// while another callback runs.
  @inline(__always)
  static func with(
    _ raw: UnsafeMutablePointer<uv_stream_t>, _ body: (StreamConnection) -> Void
  ) {
    guard let data = unsafe raw.pointee.data else { return }
    unsafe Unmanaged<StreamConnection>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
  }
}
