internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A listening Unix socket.
public final class UnixListener: StreamListener {
  /// How to listen.
  public struct Options: Hashable, Sendable {
    /// Connections that the system holds until they are accepted; it may allow fewer.
    public var backlog: Int
    /// The permissions of the socket's file, 0 … 0o777: who may write to it may connect.
    ///
    /// At no time does the file have more. `nil` leaves them to the process's umask. An abstract name
    /// has no permissions.
    public var mode: UInt32?
    /// Whether the file of a socket that no process listens at any more is replaced.
    ///
    /// A server that was killed leaves such a file. It is recognised by a connection that is
    /// refused; the file of a server that answers, and a file that is no socket, are never
    /// replaced.
    public var replacesStaleFile: Bool
    /// How many bytes may wait to be sent on each accepted connection.
    public var writeLimits: StreamConnection.WriteLimits

    /// Makes a set of options.
    public init(
      backlog: Int = 511, mode: UInt32? = nil, replacesStaleFile: Bool = true,
      writeLimits: StreamConnection.WriteLimits = StreamConnection.WriteLimits()
    ) {
      self.backlog = backlog
      self.mode = mode
      self.replacesStaleFile = replacesStaleFile
      self.writeLimits = writeLimits
    }
  }

  /// The address in use.
  public let localAddress: UnixAddress

  /// How it listens.
  public let options: Options

  private let file: SocketFile?
  private let limits: SharedLimits
  private var onConnection: ((UnixListener, UnixConnection) -> Void)?
  private var onError: ((UnixListener, UVError) -> Void)?

  private init(
    socket: Int32, at address: UnixAddress, _ file: SocketFile?, on loop: EventLoop,
    options: Options, onError: ((UnixListener, UVError) -> Void)?,
    onConnection: @escaping (UnixListener, UnixConnection) -> Void
  ) throws(UVError) {
    localAddress = address
    self.file = file
    self.options = options
    limits = SharedLimits(options.writeLimits)
    self.onError = onError
    self.onConnection = onConnection
    try super.init(socket: socket, on: loop)
  }

  /// Makes the socket's file and listens.
  ///
  /// The file is removed when the listener closes, if it is still the same. A process that is
  /// killed leaves it, and the next listener replaces it. Two listeners that begin at the same time
  /// do not take each other's new file for a stale one, if they may read the folder.
  ///
  /// - Parameters:
  ///   - address: Where to listen.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  ///   - onConnection: Called with each connection, which must be started or closed.
  /// - Returns: The listener, accepting as soon as the loop runs.
  /// - Throws: ``UVError/Code/addressInUse`` where another server listens, ``UVError/Code/fileExists``
  ///   where the file is no socket; ``UVError/Code/accessDenied``, ``UVError/Code/noSuchFile`` for a
  ///   folder that is not there, and the like.
  public static func listen(
    at address: UnixAddress, on loop: EventLoop, options: Options = Options(),
    onError: ((UnixListener, UVError) -> Void)? = nil,
    onConnection: @escaping (UnixListener, UnixConnection) -> Void
  ) throws(UVError) -> UnixListener {
    guard !loop.isEnding else {
      throw UVError(.canceled, during: .listen, domain: .library, detail: "the loop is ending")
    }
    let socket = cuv_stream_socket(AF_UNIX)
    guard socket >= 0 else { throw UVError(-errno, .listen) }
    var file: SocketFile?
    do throws(UVError) {
      file = try SocketFile.listen(socket, at: address, options)
      return try UnixListener(
        socket: socket, at: address, file, on: loop, options: options, onError: onError,
        onConnection: onConnection)
    } catch {
      file?.remove()
      closeDescriptor(socket)
      throw error
    }
  }

  /// Listens on a bound socket that something else has opened, such as a service manager.
  ///
  /// Its file is left alone at the end.
  ///
  /// - Parameters:
  ///   - descriptor: The socket. It belongs to the listener from now on, and is set not to block;
  ///     when the call throws it still belongs to the caller.
  ///   - loop: The loop to accept on.
  ///   - options: How to listen; what concerns the file is ignored.
  ///   - onError: Called when accepting a connection fails; the listener stays open.
  ///   - onConnection: Called with each connection, which must be started or closed.
  /// - Returns: The listener, accepting as soon as the loop runs.
  /// - Throws: The system's error; ``UVError/Code/invalidArgument`` for a socket of another kind.
  public static func adopt(
    descriptor: Int32, on loop: EventLoop, options: Options = Options(),
    onError: ((UnixListener, UVError) -> Void)? = nil,
    onConnection: @escaping (UnixListener, UnixConnection) -> Void
  ) throws(UVError) -> UnixListener {
    var error: Int32 = 0
    let address = unsafe UnixAddress.read { address, size in
      if unsafe getsockname(descriptor, address, size) != 0 { error = -errno }
      return error
    }
    guard error == 0 else { throw UVError(error, .listen) }
    guard let address else {
      throw UVError(.invalidArgument, during: .listen, detail: "not a Unix socket")
    }
    guard listen(descriptor, backlog: options.backlog) else { throw UVError(-errno, .listen) }
    return try UnixListener(
      socket: descriptor, at: address, nil, on: loop, options: options, onError: onError,
      onConnection: onConnection)
  }

  /// Checks whether ``listen(at:on:options:onError:onConnection:)`` would work, and makes no file.
  ///
  /// - Parameter address: Where to listen.
  /// - Throws: What keeps it from working, as far as that can be known.
  package static func check(_ address: UnixAddress) throws(UVError) {
    try SocketFile.check(address)
  }

  private static func listen(_ socket: Int32, backlog: Int) -> Bool {
    #if canImport(Glibc)
      Glibc.listen(socket, Int32(clamping: backlog)) == 0
    #else
      Darwin.listen(socket, Int32(clamping: backlog)) == 0
    #endif
  }

  override func didAccept(_ descriptor: Int32) {
    do throws(UVError) {
      let connection = try UnixConnection.connected(descriptor, on: loop, limits: limits)
      onConnection?(self, connection)
      connection.watchWhileQuiet()
    } catch {
      closeDescriptor(descriptor)
      onError?(self, UVError(error.code, during: .accept))
    }
  }

  override func didFail(_ error: UVError) { onError?(self, error) }

  override func willClose() {
    // While the socket is open no other file can be taken for this one.
    file?.remove()
    super.willClose()
  }

  override func didClose() {
    onConnection = nil
    onError = nil
  }

  override var debugName: String { "\(super.debugName) \(localAddress)" }
}
