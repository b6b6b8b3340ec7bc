#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A regular file that only its owner can read, open and locked until it is dropped.
///
/// Another program may replace the file while this one waits for the lock. So once the lock is
/// held, the open file is compared with the one at the path.
struct LockedFile: ~Copyable {
  private let path: String
  private let number: Int32
  /// False if the file system has no locks, or the lock was not free in time: such a file may be
  /// appended to, but not replaced.
  private let isLocked: Bool
  /// The size in bytes when it was opened.
  let size: Int

  /// Opens the file at `path` and locks it; nil if that fails, or if it is a symbolic link.
  ///
  /// A program holds the lock for milliseconds, unless it is stopped meanwhile.
  ///
  /// - Parameters:
  ///   - path: Where the file is.
  ///   - isMade: Whether to make the file if there is none.
  ///   - patience: How many milliseconds to wait for the lock.
  ///   - opensUnlocked: Whether to open the file without the lock after that time.
  init?(_ path: String, isMade: Bool = false, patience: Int = 20, opensUnlocked: Bool) {
    let flags = O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
    for turn in 0...patience {
      var number = unsafe open(path, flags | O_RDWR | (isMade ? O_CREAT : 0), 0o600)
      if number < 0, !isMade, errno == EACCES { number = unsafe open(path, flags | O_RDONLY) }
      guard number >= 0 else { return nil }
      var status = stat()
      guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        closeDescriptor(number)
        return nil
      }
      let isLocked = flock(number, LOCK_EX | LOCK_NB) == 0
      let isBusy = !isLocked && errno == EWOULDBLOCK
      let isEnough = !isBusy || opensUnlocked && turn == patience
      if isLocked ? Self.isStill(status, at: path) : isEnough {
        // An existing file may have wider permissions.
        if isMade { fchmod(number, 0o600) }
        // Its size may have changed before the lock was held.
        _ = unsafe fstat(number, &status)
        (self.path, self.number, self.isLocked) = (path, number, isLocked)
        size = Int(status.st_size)
        return
      }
      closeDescriptor(number)
      if isBusy { usleep(1000) }
    }
    return nil
  }

  deinit { closeDescriptor(number) }

  private static func isStill(_ status: stat, at path: String) -> Bool {
    var now = stat()
    return unsafe lstat(path, &now) == 0 && now.st_ino == status.st_ino
      && now.st_dev == status.st_dev
  }

  /// The last lines of the file, and whether they are all of it.
  ///
  /// A line end is added to the last line if it has none in the file.
  func lastLines(_ count: Int) -> (bytes: ArraySlice<UInt8>, isAll: Bool) {
    // The bytes are limited too: a file without line ends would otherwise be read whole.
    let most = (count + 1) * (LineReader.limit + 1)
    var pieces: [[UInt8]] = []
    var start = size
    var lineEnds = 0
    while start > 0, lineEnds <= count, size - start < most {
      let length = min(start, 65536)
      guard let piece = read(length, from: start - length) else { return ([], true) }
      start -= length
      lineEnds += piece.count { $0 == 0x0A }
      pieces.append(piece)
    }
    var bytes = Array(pieces.reversed().joined())
    if let last = bytes.last, last != 0x0A { bytes.append(0x0A) }
    // Goes back over `count` + 1 line ends: the wanted lines begin after the one found last.
    var first = bytes.endIndex
    for _ in 0...count {
      guard let end = bytes[..<first].lastIndex(of: 0x0A) else {
        return start == 0 ? (bytes[...], true) : (bytes[first...].dropFirst(), false)
      }
      first = end
    }
    return (bytes[first...].dropFirst(), false)
  }

  /// Appends whole lines, all or none, after a line end if the file does not end with one.
  func append(_ lines: [UInt8]) {
    let isTorn = size > 0 && read(1, from: size - 1) != [0x0A]
    let bytes = isTorn ? [0x0A] + lines : lines
    if !write(bytes[...], to: number), isLocked { ftruncate(number, off_t(size)) }
  }

  /// Replaces this file by one with these bytes; false if that fails.
  func replace(with bytes: ArraySlice<UInt8>) -> Bool {
    guard isLocked else { return false }
    let beside = path + ".new"
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let replacement = unsafe open(beside, flags, 0o600)
    guard replacement >= 0 else { return false }
    defer { closeDescriptor(replacement) }
    if fchmod(replacement, 0o600) == 0, write(bytes, to: replacement),
      unsafe rename(beside, path) == 0
    {
      return true
    }
    _ = unsafe unlink(beside)
    return false
  }

  private func read(_ count: Int, from offset: Int) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = unsafe buffer.withUnsafeMutableBytes {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[filled...])
        return unsafe pread(number, rest.baseAddress, rest.count, off_t(offset + filled))
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { return nil }
      filled += got
    }
    return buffer
  }

  private func write(_ bytes: ArraySlice<UInt8>, to number: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe writeBytes(number, $0) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}

// The methods above hide this name.
private func writeBytes(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  unsafe write(number, bytes.baseAddress, bytes.count)
}

private func closeDescriptor(_ number: Int32) { _ = close(number) }
