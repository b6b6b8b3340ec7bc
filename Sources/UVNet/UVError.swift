internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// An error that libuv or the operating system reported, with the operation in which it happened.
///
/// Codes are libuv's: on Unix the negative `errno`
/// (<https://docs.libuv.org/en/v1.x/errors.html>).
public struct UVError: Error, Hashable, Sendable {
  /// What went wrong, as libuv numbers it.
  public let code: Code

  /// What was being done.
  public let operation: Operation

  /// Further details, such as the names of the handles that are still open.
  public let detail: String?

  /// The source of the code.
  public let domain: Domain

  /// Makes an error; for embedders' own tests and adapters.
  ///
  /// - Parameters:
  ///   - code: What went wrong.
  ///   - operation: What was being done.
  ///   - domain: The source of the code; `nil` for the system's, or the look-up's for a code of a
  ///     look-up.
  ///   - detail: Further details.
  public init(
    _ code: Code, during operation: Operation, domain: Domain? = nil, detail: String? = nil
  ) {
    self.code = code
    self.operation = operation
    self.domain = domain ?? (code.isOfNameLookUp ? .nameLookUp : .system)
    self.detail = detail
  }

  init(_ status: Int32, _ operation: Operation) {
    self.init(Code(rawValue: status), during: operation)
  }

  /// The code's name, such as `ECONNREFUSED`.
  public var name: String { domain.describe?(code.rawValue)?.name ?? code.name }

  /// The code's meaning in English, such as "connection refused".
  public var message: String { domain.describe?(code.rawValue)?.meaning ?? code.message }
}

extension UVError {
  /// The operation in which an error happened.
  ///
  /// More may come with later versions, and a program may have its own.
  public struct Operation: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The operation's name, such as `connect`.
    public let rawValue: String

    /// Names an operation.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The operation's name.
    public var description: String { rawValue }

    /// Making a loop or a handle.
    public static let initialize = Operation(rawValue: "initialize")
    /// ``EventLoop/close(file:line:)``.
    public static let closeLoop = Operation(rawValue: "closeLoop")
    /// Opening a UDP socket at an address.
    public static let bind = Operation(rawValue: "bind")
    /// Binding and listening.
    public static let listen = Operation(rawValue: "listen")
    /// Accepting a connection.
    public static let accept = Operation(rawValue: "accept")
    /// Connecting.
    public static let connect = Operation(rawValue: "connect")
    /// Agreeing with the peer on how to talk, after connecting.
    public static let handshake = Operation(rawValue: "handshake")
    /// Reading.
    public static let read = Operation(rawValue: "read")
    /// Receiving a datagram.
    public static let receive = Operation(rawValue: "receive")
    /// Sending a datagram.
    public static let send = Operation(rawValue: "send")
    /// Writing.
    public static let write = Operation(rawValue: "write")
    /// Ending this side's stream.
    public static let shutdown = Operation(rawValue: "shutdown")
    /// Taking over a descriptor, or opening standard input.
    public static let open = Operation(rawValue: "open")
    /// ``StreamConnection/detach()``.
    public static let detach = Operation(rawValue: "detach")
    /// Setting an option of a socket or a terminal.
    public static let setOption = Operation(rawValue: "setOption")
    /// Starting a thread.
    public static let startThread = Operation(rawValue: "startThread")
    /// Watching a signal.
    public static let watchSignal = Operation(rawValue: "watchSignal")
    /// Looking a name up.
    public static let resolve = Operation(rawValue: "resolve")
    /// Sleeping, or waiting for a signal.
    public static let wait = Operation(rawValue: "wait")
  }

  /// The source of an error's code.
  ///
  /// More may come with later versions, and a program may have its own.
  public struct Domain: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The domain's name, such as `system`.
    public let rawValue: String

    /// Names the domain's codes; `nil` where libuv does.
    let describe: (@Sendable (Int32) -> (name: String, meaning: String)?)?

    /// Names a domain whose codes are libuv's.
    public init(rawValue: String) {
      self.rawValue = rawValue
      describe = nil
    }

    /// Names a domain that has codes of its own.
    ///
    /// - Parameters:
    ///   - rawValue: The domain's name; domains of one name are equal.
    ///   - describe: Gives the name of a code and its meaning in English; `nil` for a code that the
    ///     domain does not know.
    public init(
      rawValue: String, describe: @escaping @Sendable (Int32) -> (name: String, meaning: String)?
    ) {
      self.rawValue = rawValue
      self.describe = describe
    }

    /// Whether two domains have the same name.
    public static func == (left: Domain, right: Domain) -> Bool { left.rawValue == right.rawValue }

    /// Feeds the name to a hasher.
    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

    /// The domain's name.
    public var description: String { rawValue }

    /// The operating system and libuv.
    public static let system = Domain(rawValue: "system")
    /// The system's look-up of names, such as `EAI_NONAME`.
    public static let nameLookUp = Domain(rawValue: "nameLookUp")
    /// This library itself: a limit that was set, or a loop that is ending.
    public static let library = Domain(rawValue: "library")
    /// The program that uses the library.
    public static let program = Domain(rawValue: "program")
  }

  /// An error code: zero or a negative number.
  public struct Code: RawRepresentable, Hashable, Sendable {
    /// libuv's number, on Unix the negative `errno`.
    public let rawValue: Int32

    /// Wraps a number that libuv returned.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    init(_ code: uv_errno_t) { self.init(rawValue: code.rawValue) }

    /// libuv numbers the errors of look-ups -3000 and below.
    var isOfNameLookUp: Bool { (-3099 ... -3000).contains(rawValue) }

    /// The name, such as `ECONNREFUSED`; `E<number>` for one that libuv does not know.
    public var name: String {
      unsafe Self.text { buffer, size in unsafe uv_err_name_r(rawValue, buffer, size) }
    }

    /// The meaning in English, such as "connection refused".
    public var message: String {
      unsafe Self.text { buffer, size in unsafe uv_strerror_r(rawValue, buffer, size) }
    }

    /// The `_r` functions of libuv write to our buffer: the plain ones leak for unknown codes.
    private static func text(
      _ fill: (UnsafeMutablePointer<CChar>?, Int) -> UnsafeMutablePointer<CChar>?
    ) -> String {
      unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
        unsafe buffer.initialize(repeating: 0)
        _ = unsafe fill(buffer.baseAddress, buffer.count)
        let end = unsafe buffer.firstIndex(of: 0) ?? buffer.count
        return unsafe String(
          decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<end]),
          as: UTF8.self)
      }
    }
  }
}

extension UVError.Code {
  /// Permission denied (EACCES), such as a port below 1024.
  public static let accessDenied = Self(UV_EACCES)
  /// Another socket holds the address (EADDRINUSE).
  public static let addressInUse = Self(UV_EADDRINUSE)
  /// This machine has no such address (EADDRNOTAVAIL).
  public static let addressNotAvailable = Self(UV_EADDRNOTAVAIL)
  /// A handle was used after it was closed (EBADF).
  public static let badDescriptor = Self(UV_EBADF)
  /// Something is still in use (EBUSY).
  public static let busy = Self(UV_EBUSY)
  /// The operation was given up by ``Handle/close()`` or ``ConnectAttempt/cancel()`` (ECANCELED).
  public static let canceled = Self(UV_ECANCELED)
  /// The connection was aborted before it was accepted (ECONNABORTED).
  public static let connectionAborted = Self(UV_ECONNABORTED)
  /// The stream ended where more bytes had to follow (EOF).
  public static let endOfFile = Self(UV_EOF)
  /// Nobody listens there (ECONNREFUSED).
  public static let connectionRefused = Self(UV_ECONNREFUSED)
  /// The peer sent a reset (ECONNRESET).
  public static let connectionReset = Self(UV_ECONNRESET)
  /// A datagram has nowhere to go: no address was given, and no peer is connected (EDESTADDRREQ).
  public static let destinationRequired = Self(UV_EDESTADDRREQ)
  /// No route to the host (EHOSTUNREACH).
  public static let hostUnreachable = Self(UV_EHOSTUNREACH)
  /// An argument that the system does not take (EINVAL).
  public static let invalidArgument = Self(UV_EINVAL)
  /// The handle is connected already or reading already (EISCONN).
  public static let isConnected = Self(UV_EISCONN)
  /// This process may open no more descriptors (EMFILE).
  public static let tooManyOpenFiles = Self(UV_EMFILE)
  /// A datagram is longer than can be sent (EMSGSIZE).
  public static let messageTooLong = Self(UV_EMSGSIZE)
  /// There is a file already (EEXIST).
  public static let fileExists = Self(UV_EEXIST)
  /// There is no such file, or no folder for it (ENOENT).
  public static let noSuchFile = Self(UV_ENOENT)
  /// There is no such network interface (ENODEV).
  public static let noSuchDevice = Self(rawValue: -ENODEV)
  /// The network cannot be reached (ENETUNREACH).
  public static let networkUnreachable = Self(UV_ENETUNREACH)
  /// This machine may open no more descriptors (ENFILE).
  public static let tooManyOpenFilesInSystem = Self(UV_ENFILE)
  /// A buffer's limit is reached (ENOBUFS).
  public static let noBufferSpace = Self(UV_ENOBUFS)
  /// Out of memory (ENOMEM).
  public static let outOfMemory = Self(UV_ENOMEM)
  /// The socket is not connected (ENOTCONN).
  public static let notConnected = Self(UV_ENOTCONN)
  /// Not permitted (EPERM).
  public static let notPermitted = Self(UV_EPERM)
  /// The peer does not keep to the protocol that comes before all else (EPROTO), such as that of proxies.
  public static let protocolError = Self(UV_EPROTO)
  /// The system, or the socket, cannot do this.
  public static let notSupported = Self(UV_ENOTSUP)
  /// The other side, or our own shutdown, has ended this direction (EPIPE).
  public static let brokenPipe = Self(UV_EPIPE)
  /// The time allowed is over (ETIMEDOUT).
  public static let timedOut = Self(UV_ETIMEDOUT)
}

extension UVError: CustomStringConvertible {
  /// One line: `listen: address already in use (EADDRINUSE)`.
  public var description: String {
    let base = "\(operation.rawValue): \(message) (\(name))"
    guard let detail else { return base }
    return "\(base): \(detail)"
  }
}
