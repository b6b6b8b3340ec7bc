#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The open file of a ``SharedCounter``, and its locks; closed when it is dropped.
final class SharedCounterFile {
  private let path: String
  private let descriptor: Int32

  /// The processes that begin at the same time wait for each other; each takes microseconds.
  private static let patience = 1_000
  private static let permissions: mode_t = 0o660

  #if os(Linux)
    // Open file description locks, which the headers declare with _GNU_SOURCE only. The plain ones are
    // released as soon as the process closes any other descriptor of the file:
    // https://man7.org/linux/man-pages/man2/F_GETLK.2const.html
    private static let getLock: Int32 = 36
    private static let setLock: Int32 = 37
  #else
    private static let getLock = F_GETLK
    private static let setLock = F_SETLK
  #endif

  init(opening path: String, descriptorFrom lowest: Int32) throws(UVError) {
    self.path = path
    let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    let opened = unsafe open(path, flags, Self.permissions)
    guard opened >= 0 else { throw Self.failure(errno, path) }
    let moved = lowest > opened ? fcntl(opened, F_DUPFD_CLOEXEC, lowest) : -1
    if moved >= 0 { closeDescriptor(opened) }
    descriptor = moved >= 0 ? moved : opened
    _ = try Self.size(of: descriptor, path)
  }

  deinit { closeDescriptor(descriptor) }

  private static func failure(_ code: Int32, _ path: String, _ reason: String? = nil) -> UVError {
    let isLink = code == ELOOP
    return UVError(
      UVError.Code(rawValue: -code), during: .open,
      detail: isLink ? "\(path) is a symbolic link" : reason.map { "\(path) \($0)" } ?? path)
  }

  private static func foreign(_ path: String, _ reason: String) -> UVError {
    UVError(
      .invalidArgument, during: .open, domain: .library,
      detail: "\(path) is no file of a count: it \(reason)")
  }

  private static func size(of descriptor: Int32, _ path: String) throws(UVError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure(errno, path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw foreign(path, "is no regular file") }
    return Int(status.st_size)
  }

  private static func content(
    of descriptor: Int32, _ path: String
  ) throws(UVError) -> SharedCounterLayout.Content {
    let size = try size(of: descriptor, path)
    var header = [UInt8](repeating: 0, count: SharedCounterLayout.slotByteCount)
    let count = unsafe header.withUnsafeMutableBytes { bytes in
      unsafe pread(descriptor, bytes.baseAddress, bytes.count, 0)
    }
    guard count >= 0 else { throw failure(errno, path) }
    return SharedCounterLayout.content(size: size, header: Array(header.prefix(count)))
  }

  /// Says whether the file could be opened or made, and makes none.
  static func check(_ path: String) throws(UVError) {
    let descriptor = unsafe open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw failure(errno, path) }
      let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
      let folder = slash.map { String(path[...$0]) } ?? "."
      guard unsafe access(folder, W_OK | X_OK) == 0 else { throw failure(errno, path) }
      return
    }
    defer { closeDescriptor(descriptor) }
    if case .foreign(let reason) = try content(of: descriptor, path) {
      throw foreign(path, reason)
    }
  }

  /// Writes the header of a new file, and makes sure that an old one is what it should be.
  func prepare() throws(UVError) {
    switch try Self.content(of: descriptor, path) {
    case .shared: return
    case .foreign(let reason): throw Self.foreign(path, reason)
    case .new: break
    }
    // Written and not only lengthened: memory that a full disk cannot back would end the process.
    let bytes = SharedCounterLayout.newFile
    let written = unsafe pwrite(descriptor, bytes, bytes.count, 0)
    guard written == bytes.count else {
      let code = written < 0 ? errno : ENOSPC
      ftruncate(descriptor, 0)
      throw Self.failure(code, path, "cannot be written")
    }
  }

  /// The file as memory.
  func map() throws(UVError) -> UnsafeMutableRawPointer {
    let memory = unsafe mmap(
      nil, SharedCounterLayout.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
      throw Self.failure(errno, path, "cannot be mapped into memory")
    }
    return unsafe memory
  }

  // MARK: Locks

  private func lock(at offset: Int, _ kind: Int, _ command: Int32) -> (status: Int32, lock: flock) {
    var lock = flock()
    lock.l_type = Int16(kind)
    lock.l_whence = Int16(SEEK_SET)
    lock.l_start = off_t(offset)
    lock.l_len = 1
    return unsafe (fcntl(descriptor, command, &lock), lock)
  }

  /// Has the header to itself, while it looks for a slot.
  func lockHeader() throws(UVError) {
    for _ in 0..<Self.patience {
      if lock(at: 0, Int(F_WRLCK), Self.setLock).status == 0 { return }
      guard errno == EAGAIN || errno == EACCES || errno == EINTR else {
        throw Self.failure(errno, path, "cannot be locked")
      }
      usleep(1_000)
    }
    throw Self.failure(ETIMEDOUT, path, "is locked by another process")
  }

  func unlockHeader() { _ = lock(at: 0, Int(F_UNLCK), Self.setLock) }

  /// Takes the lock of a slot, until the file is closed; false when another process has it.
  func hold(_ slot: Int) -> Bool {
    lock(at: SharedCounterLayout.offset(ofSlot: slot), Int(F_WRLCK), Self.setLock).status == 0
  }

  /// Whether anybody but this object holds the lock of a slot.
  func isHeld(_ slot: Int) -> Bool {
    let (status, lock) = lock(
      at: SharedCounterLayout.offset(ofSlot: slot), Int(F_WRLCK), Self.getLock)
    return status != 0 || lock.l_type != Int16(F_UNLCK)
  }
}
