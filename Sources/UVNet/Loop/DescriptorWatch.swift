internal import CLibUV

/// Calls back when a descriptor can be read from or written to, whatever it is: for inotify, a pipe to
/// another process, or the socket of a C library that has no adapter to libuv.
///
/// The watch reads and writes nothing itself. It calls back for as long as the descriptor is ready, on
/// each turn of the loop, so the callback must read or write, or ask for something else.
///
/// With the system's `read`, of Glibc or Darwin:
///
/// ```swift
/// let watch = try DescriptorWatch.on(descriptor, for: .readable, on: loop) { watch, events in
///   var bytes = [UInt8](repeating: 0, count: 4096)
///   if read(descriptor, &bytes, bytes.count) == 0 { watch.close() }
/// }
/// ```
///
/// The descriptor stays the program's: it must be open until ``Handle/close()``, and may be closed as
/// soon as that has returned. Files and directories cannot be watched: no system polls them.
public final class DescriptorWatch: Handle {
  /// What a descriptor is watched for, or ready for.
  public struct Events: OptionSet, Hashable, Sendable {
    /// The events as a number.
    public let rawValue: Int

    /// Makes a set from its number.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// There is something to read: bytes, a connection to accept, the end of the stream, an error.
    public static let readable = Events(rawValue: 1)
    /// Something can be written, or a connection has been made, or has failed.
    public static let writable = Events(rawValue: 2)
    /// The peer has ended its stream, which needs no reading to be told.
    public static let disconnected = Events(rawValue: 4)
  }

  /// The descriptor that is watched.
  public let descriptor: Int32
  private var body: ((DescriptorWatch, Events) -> Void)?

  /// What the descriptor is watched for; may be changed at any time, and to nothing.
  ///
  /// While that is nothing the watch does not keep its loop alive.
  public private(set) var events: Events = []

  /// Watches a descriptor.
  ///
  /// - Parameters:
  ///   - descriptor: The descriptor, which is set not to block.
  ///   - events: What to watch for; nothing leaves it to ``setEvents(_:)``.
  ///   - loop: The loop to call back on.
  ///   - body: Called with what the descriptor is ready for. After an error of the descriptor's it is
  ///     called once with all that was asked for, so that reading or writing meets the error, and
  ///     ``events`` is empty.
  /// - Returns: The watch, which keeps its loop alive until it is closed or watches for nothing.
  /// - Throws: ``UVError/Code/notPermitted`` for what cannot be polled, such as a file;
  ///   ``UVError/Code/badDescriptor``; `EEXIST` where another handle of the loop has the descriptor.
  public static func on(
    _ descriptor: Int32, for events: Events, on loop: EventLoop,
    _ body: @escaping (DescriptorWatch, Events) -> Void
  ) throws(UVError) -> DescriptorWatch {
    let watch = try DescriptorWatch(descriptor, on: loop, body)
    watch.setEvents(events)
    return watch
  }

  private init(
    _ descriptor: Int32, on loop: EventLoop, _ body: @escaping (DescriptorWatch, Events) -> Void
  ) throws(UVError) {
    self.descriptor = descriptor
    self.body = body
    // libuv would index its table with it.
    guard descriptor >= 0 else { throw UVError(.badDescriptor, during: .initialize) }
    try unsafe super.init(UV_POLL, on: loop) { loop, raw in
      unsafe uv_poll_init(loop, cuv_poll(raw), descriptor)
    }
  }

  /// Sets what the descriptor is watched for, in place of what it was.
  ///
  /// Once the watch is closed, this does nothing.
  public func setEvents(_ events: Events) {
    loop.checkThread()
    guard !isClosing else { return }
    self.events = events
    var wanted: UInt32 = 0
    if events.contains(.readable) { wanted |= UV_READABLE.rawValue }
    if events.contains(.writable) { wanted |= UV_WRITABLE.rawValue }
    if events.contains(.disconnected) { wanted |= UV_DISCONNECT.rawValue }
    // It fails only where another handle has the descriptor, which the start has told.
    _ = unsafe uv_poll_start(cuv_poll(raw), Int32(wanted)) { poll, status, events in
      guard let poll = unsafe poll else { return }
      unsafe Handle.of(
        UnsafeMutableRawPointer(poll).assumingMemoryBound(to: uv_handle_t.self),
        as: DescriptorWatch.self
      ).isReady(status, UInt32(events))
    }
  }

  private func isReady(_ status: Int32, _ found: UInt32) {
    guard !isClosing else { return }
    var ready: Events = []
    if status < 0 {
      // libuv has stopped watching.
      ready = events
      events = []
    } else {
      if found & UV_READABLE.rawValue != 0 { ready.insert(.readable) }
      if found & UV_WRITABLE.rawValue != 0 { ready.insert(.writable) }
      if found & UV_DISCONNECT.rawValue != 0 { ready.insert(.disconnected) }
    }
    loop.dispatch { body?(self, ready) }
  }

  override func didClose() { body = nil }

  override var debugName: String { "\(super.debugName) \(descriptor)" }
}
