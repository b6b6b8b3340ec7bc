/// What to call when something happens to a connection; each closure gets the connection, with its
/// own type, to avoid a capture and its cycle.
///
/// One set can serve any number of connections, which then share its memory. The connection
/// releases it after the close callback.
///
/// None of the closures throws: the library could not know whether an error is to end the connection
/// by ``StreamConnection/closeGracefully(within:)``, ``Handle/close()`` or a reset.
public struct ConnectionHandlers<Connection: StreamConnection> {
  @usableFromInline let closures: ConnectionClosures

  /// Makes a set of handlers.
  ///
  /// - Parameters:
  ///   - onData: Bytes arrived; the span is valid during the call only.
  ///   - onEnd: The peer has ended its stream, and can still be written to. Without this handler
  ///     the connection closes gracefully by itself.
  ///   - onDrain: ``StreamConnection/isWritable`` is true again.
  ///   - onClose: The connection is closed: exactly once, and last.
  @inlinable
  public init(
    onData: @escaping (Connection, RawSpan) -> Void,
    onEnd: ((Connection) -> Void)? = nil,
    onDrain: ((Connection) -> Void)? = nil,
    onClose: ((Connection, CloseReason) -> Void)? = nil
  ) {
    // A connection is started with handlers of its own type only, so each cast is right. They are
    // inlined where the type is known, and cost nothing there.
    closures = ConnectionClosures(
      { unsafe onData(unsafeDowncast($0, to: Connection.self), $1) },
      onEnd.map { onEnd in { unsafe onEnd(unsafeDowncast($0, to: Connection.self)) } },
      onDrain.map { onDrain in { unsafe onDrain(unsafeDowncast($0, to: Connection.self)) } },
      onClose.map { onClose in { unsafe onClose(unsafeDowncast($0, to: Connection.self), $1) } })
  }
}

/// The closures of any ``ConnectionHandlers``.
@usableFromInline
final class ConnectionClosures {
  let onData: (StreamConnection, RawSpan) -> Void
  let onEnd: ((StreamConnection) -> Void)?
  let onDrain: ((StreamConnection) -> Void)?
  let onClose: ((StreamConnection, CloseReason) -> Void)?

  @usableFromInline
  init(
    _ onData: @escaping (StreamConnection, RawSpan) -> Void,
    _ onEnd: ((StreamConnection) -> Void)?, _ onDrain: ((StreamConnection) -> Void)?,
    _ onClose: ((StreamConnection, CloseReason) -> Void)?
  ) {
    self.onData = onData
    self.onEnd = onEnd
    self.onDrain = onDrain
    self.onClose = onClose
  }
}

/// A connection that is started with handlers of its own type; every ``StreamConnection`` is one.
public protocol TypedConnection: StreamConnection {}

extension StreamConnection: TypedConnection {}

extension TypedConnection {
  /// The handlers of such a connection.
  public typealias Handlers = ConnectionHandlers<Self>

  /// Begins to read.
  ///
  /// Call it once, where the connection is handed over or later; a second call is a mistake in the
  /// program, and stops it. Until then nothing is read, and only a failure of the connection is
  /// noticed, within a second or so.
  @inlinable
  public func start(
    _ handlers: ConnectionHandlers<Self>, file: StaticString = #fileID, line: UInt = #line
  ) {
    start(handlers.closures, file, line)
  }

  /// Has other handlers called from now on, such as after a handshake or an upgrade.
  ///
  /// Legal in every callback. It does nothing to a connection that was not started or is closing:
  /// the `onClose` that it has stays.
  @inlinable
  public func replaceHandlers(_ handlers: ConnectionHandlers<Self>) {
    replace(handlers.closures)
  }
}
