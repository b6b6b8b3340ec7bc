#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The descriptor that log lines go to: a file opened for appending, or standard output.
///
/// Writing never waits. A FIFO is opened so that one without a reader is an error and not a hang;
/// standard output, whose flags belong to whoever started us, is asked each time for room.
package struct LogFile: ~Copyable {
  /// Why a path cannot be logged to, in one line.
  package struct Failure: Error, Equatable {
    package var path: String
    package var reason: String

    package init(path: String, reason: String) {
      self.path = path
      self.reason = reason
    }
  }

  private let path: String
  private let descriptor: Int32
  /// Whether the file ended inside a line when it was opened, as after a power cut.
  package let startsInsideLine: Bool

  /// Opens a file, making it if need be; `-` is standard output.
  package init(opening path: String) throws(Failure) {
    self.path = path
    guard path != "-" else {
      descriptor = STDOUT_FILENO
      startsInsideLine = false
      return
    }
    let opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0o640)
    guard opened >= 0 else { throw Failure(path: path, reason: Self.reason(errno)) }
    descriptor = opened
    startsInsideLine = Self.endsInsideLine(path, size: Self.regularFileSize(opened))
  }

  deinit {
    if descriptor != STDOUT_FILENO { close(descriptor) }
  }

  /// Takes what it can at once, without waiting: how many bytes, or -1.
  package borrowing func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard let start = bytes.baseAddress else { return 0 }
    var count = bytes.count
    if descriptor == STDOUT_FILENO {
      // A pipe that polls writable takes PIPE_BUF bytes at least.
      var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&room, 1, 0) == 1 else { return -1 }
      count = min(count, Int(PIPE_BUF))
    }
    while true {
      let written = write(descriptor, start, count)
      if written >= 0 || errno != EINTR { return written }
    }
  }

  /// Cuts the last bytes off the file: the part of a line whose rest cannot be written.
  package borrowing func cut(last count: Int) {
    let size = Self.regularFileSize(descriptor)
    if size >= count, descriptor != STDOUT_FILENO { ftruncate(descriptor, off_t(size - count)) }
  }

  /// Whether the path could be opened, found out without making anything.
  package static func check(_ path: String) throws(Failure) {
    guard path != "-" else { return }
    var status = stat()
    if stat(path, &status) == 0 {
      if status.st_mode & S_IFMT == S_IFDIR { throw Failure(path: path, reason: reason(EISDIR)) }
      guard access(path, W_OK) == 0 else { throw Failure(path: path, reason: reason(errno)) }
      return
    }
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let directory = slash.map { String(path[...$0]) } ?? "."
    guard access(directory, W_OK | X_OK) == 0 else {
      throw Failure(path: directory, reason: reason(errno))
    }
  }

  private static func regularFileSize(_ descriptor: Int32) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
    return Int(status.st_size)
  }

  /// Looks at the last byte, if the file may be read.
  private static func endsInsideLine(_ path: String, size: Int) -> Bool {
    guard size > 0 else { return false }
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var last = UInt8(ascii: "\n")
    return pread(descriptor, &last, 1, off_t(size - 1)) == 1 && last != UInt8(ascii: "\n")
  }

  private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
