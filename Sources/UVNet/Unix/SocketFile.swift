internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The file of a listening Unix socket: made with its mode, in place of a stale one, and removed at the
/// end if it is still the same.
struct SocketFile {
  /// Absolute: the program may change its working directory.
  private let path: String
  private let identity: Identity

  private struct Identity: Equatable {
    var device: UInt64 = 0
    var inode: UInt64 = 0
    var mode: UInt32 = 0

    static func == (left: Self, right: Self) -> Bool {
      left.device == right.device && left.inode == right.inode
    }
  }

  private enum Found {
    case socket(Identity)
    case somethingElse
    case failure(Int32)
  }

  private static func look(at path: String) -> Found {
    var found = Identity()
    switch unsafe cuv_socket_file(path, &found.device, &found.inode, &found.mode) {
    case 1: return .socket(found)
    case 0: return .somethingElse
    case let error: return .failure(error)
    }
  }

  /// Removes the file, unless it has been removed or replaced.
  ///
  /// To be called before the socket is closed: until then no other file can get the same number.
  func remove() {
    guard case .socket(identity) = Self.look(at: path) else { return }
    unsafe unlink(path)
  }

  // MARK: Listening

  /// Binds a socket to an address and listens.
  ///
  /// - Returns: The socket's file; `nil` for an abstract name.
  static func listen(
    _ socket: Int32, at address: UnixAddress, _ options: UnixListener.Options
  ) throws(UVError) -> SocketFile? {
    let backlog = Int32(clamping: options.backlog)
    guard let path = address.path else {
      guard unsafe address.withSockaddr({ unsafe systemBind(socket, $0, $1) }) == 0,
        systemListen(socket, backlog) == 0
      else { throw UVError(-errno, .listen) }
      return nil
    }
    // Between bind and listen a socket looks like one whose server is gone. Listeners that take
    // this lock do not replace it then.
    let lock = FolderLock(of: path)
    defer { lock?.release() }
    try bindReplacingStale(socket, address, path, options)
    guard case .socket(let identity) = look(at: path) else {
      throw UVError(.busy, during: .listen, detail: "\(path) was replaced at once")
    }
    let file = SocketFile(path: absolute(path), identity: identity)
    do throws(UVError) {
      if let mode = options.mode, identity.mode & 0o777 != mode {
        let status = unsafe cuv_set_socket_mode(path, identity.device, identity.inode, mode)
        guard status == 0 else {
          throw UVError(UVError.Code(rawValue: status), during: .listen, detail: "mode of \(path)")
        }
      }
      guard systemListen(socket, backlog) == 0 else { throw UVError(-errno, .listen) }
      return file
    } catch {
      file.remove()
      throw error
    }
  }

  private static func bindReplacingStale(
    _ socket: Int32, _ address: UnixAddress, _ path: String, _ options: UnixListener.Options
  ) throws(UVError) {
    var attempts = 0
    while true {
      guard bind(socket, to: address, mode: options.mode) != 0 else { return }
      let error = errno
      attempts += 1
      guard error == EADDRINUSE, attempts <= 3 else {
        throw UVError(UVError.Code(rawValue: -error), during: .listen, detail: path)
      }
      try removeStale(address, path, options)
    }
  }

  /// Binds; at no time has the file more permissions than `mode`.
  private static func bind(_ socket: Int32, to address: UnixAddress, mode: UInt32?) -> Int32 {
    guard let mode else { return unsafe address.withSockaddr { unsafe systemBind(socket, $0, $1) } }
    #if os(Linux)
      // The file gets the socket's own mode, less what umask takes away.
      if fchmod(socket, mode) == 0 {
        return unsafe address.withSockaddr { unsafe systemBind(socket, $0, $1) }
      }
    #endif
    let before = umask(0o777)
    umask(before | (0o777 & ~mode_t(mode)))
    let status = unsafe address.withSockaddr { unsafe systemBind(socket, $0, $1) }
    let error = errno
    umask(before)
    errno = error
    return status
  }

  /// Removes the file of a socket that no process listens at any more; throws for any other file.
  private static func removeStale(
    _ address: UnixAddress, _ path: String, _ options: UnixListener.Options
  ) throws(UVError) {
    guard let found = try findStale(address, path) else { return }
    guard options.replacesStaleFile else {
      throw UVError(.addressInUse, during: .listen, detail: "\(path) is stale, and stays")
    }
    guard case .socket(found) = look(at: path) else { return }
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
      throw UVError(
        UVError.Code(rawValue: -errno), during: .listen, detail: "\(path) is stale, and stays")
    }
  }

  /// The socket at the path, whose server is gone; `nil` where nothing is; throws for any other file.
  private static func findStale(
    _ address: UnixAddress, _ path: String
  ) throws(UVError) -> Identity? {
    func refusal(_ reason: String, _ code: UVError.Code = .addressInUse) -> UVError {
      UVError(code, during: .listen, detail: "\(path) \(reason)")
    }
    let found: Identity
    switch look(at: path) {
    case .socket(let identity): found = identity
    case .somethingElse: throw refusal("is no socket, and is not replaced", .fileExists)
    case .failure(-ENOENT): return nil
    case .failure(let error):
      throw UVError(UVError.Code(rawValue: error), during: .listen, detail: path)
    }
    switch try probe(address) {
    case 0, EAGAIN, EINPROGRESS: throw refusal("is another server's")
    case ECONNREFUSED: return found
    case ENOENT: return nil
    case let error: throw refusal("cannot be tried: \(UVError.Code(rawValue: -error).message)")
    }
  }

  /// Checks whether a socket can be bound to an address, and leaves nothing behind.
  static func check(_ address: UnixAddress) throws(UVError) {
    guard let path = address.path else {
      let socket = cuv_stream_socket(AF_UNIX)
      guard socket >= 0 else { throw UVError(-errno, .listen) }
      defer { closeDescriptor(socket) }
      guard bind(socket, to: address, mode: nil) == 0 else { throw UVError(-errno, .listen) }
      return
    }
    _ = try findStale(address, path)
    guard unsafe access(folder(of: path), W_OK | X_OK) == 0 else {
      throw UVError(UVError.Code(rawValue: -errno), during: .listen, detail: folder(of: path))
    }
  }

  fileprivate static func folder(of path: String) -> String {
    let bytes = path.utf8
    return bytes.lastIndex(of: UInt8(ascii: "/")).map { String(Substring(bytes[...$0])) } ?? "."
  }

  /// The result of connecting to the address without waiting: 0 or an `errno`.
  private static func probe(_ address: UnixAddress) throws(UVError) -> Int32 {
    let descriptor = cuv_stream_socket(AF_UNIX)
    guard descriptor >= 0 else { throw UVError(-errno, .listen) }
    defer { closeDescriptor(descriptor) }
    return unsafe address.withSockaddr { unsafe connect(descriptor, $0, $1) } == 0 ? 0 : errno
  }

  private static func absolute(_ path: String) -> String {
    guard path.utf8.first != UInt8(ascii: "/"), let folder = unsafe getcwd(nil, 0) else {
      return path
    }
    defer { unsafe free(folder) }
    return unsafe String(cString: folder) + "/" + path
  }
}

/// A lock on a folder, held while a listener makes its file, so that no other takes the new file
/// for a stale one.
///
/// Any process that may read the folder could hold it for ever, so after 20 ms this continues
/// without it.
private struct FolderLock {
  private let descriptor: Int32

  init?(of path: String) {
    descriptor = unsafe cuv_open_folder(SocketFile.folder(of: path))
    guard descriptor >= 0 else { return nil }
    for _ in 0..<20 {
      if cuv_lock_folder(descriptor) != 0 { return }
      usleep(1000)
    }
  }

  func release() { closeDescriptor(descriptor) }
}

// The C functions, where the type's own would hide them.
private func systemListen(_ socket: Int32, _ backlog: Int32) -> Int32 { listen(socket, backlog) }
private func systemBind(
  _ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t
) -> Int32 {
  unsafe bind(socket, address, size)
}
