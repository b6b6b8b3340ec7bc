#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Descriptor {
  /// Reads a whole file of at most `limit` bytes.
  ///
  /// - Parameters:
  ///   - path: The file. A FIFO or a terminal is read to its end, however long that takes, unless the
  ///     file is private.
  ///   - limit: The most bytes that are read, whole MiB; a longer file is an error.
  ///   - isPrivate: Whether the file is for its owner alone; a symbolic link is then an error.
  /// - Returns: The content.
  /// - Throws: Why it cannot be read.
  package static func readFile(
    _ path: String, limit: Int, isPrivate: Bool
  ) throws(Failure) -> [UInt8] {
    let flags = O_RDONLY | O_CLOEXEC | (isPrivate ? O_NOFOLLOW | O_NONBLOCK : 0)
    let number = unsafe open(path, flags)
    guard number >= 0 else { throw failure(ofOpening: path) }
    defer { systemClose(number) }
    return try readToEnd(number, limit: limit, until: nil)
  }

  /// Reads a whole regular file, or a pipe to its end within a time; anything else is refused.
  ///
  /// Reading a FIFO without a writer would give an empty file, and a terminal or a device might not end.
  ///
  /// - Parameters:
  ///   - path: A regular file, or a pipe with a writer, such as the shell's `<(command)`.
  ///   - limit: The most bytes that are read, whole MiB; a longer content is an error.
  ///   - patience: The most milliseconds to wait for the end of a pipe, in all.
  /// - Returns: The content; of a pipe it is not empty.
  /// - Throws: Why it cannot be read, or what it is in place of a file.
  package static func readFileOrPipe(
    _ path: String, limit: Int, patience: Int64
  ) throws(Failure) -> [UInt8] {
    // Checked before it is opened, because opening a device can have an effect.
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw Failure() }
    try refuseUnreadable(status.st_mode)
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard number >= 0 else { throw failure(ofOpening: path) }
    defer { systemClose(number) }
    guard unsafe fstat(number, &status) == 0 else { throw Failure() }
    try refuseUnreadable(status.st_mode)
    let isPipe = status.st_mode & S_IFMT == S_IFIFO
    let content = try readToEnd(number, limit: limit, until: milliseconds + patience)
    guard !isPipe || !content.isEmpty else {
      throw Failure(message: "it is a pipe that nobody has written to")
    }
    return content
  }

  private static func refuseUnreadable(_ mode: mode_t) throws(Failure) {
    switch mode & S_IFMT {
    case S_IFREG, S_IFIFO: return
    case S_IFDIR: throw Failure(code: EISDIR)
    case S_IFSOCK: throw Failure(message: "it is a socket, and no file")
    default: throw Failure(message: "it is a device, and no file")
    }
  }

  /// Reads to the end.
  ///
  /// For a non-blocking descriptor it waits until `deadline`, in ``milliseconds``, or not at all without
  /// one.
  private static func readToEnd(
    _ number: Int32, limit: Int, until deadline: Int64?
  ) throws(Failure) -> [UInt8] {
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while content.count <= limit {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe read(number, $0.baseAddress, $0.count)
      }
      if count == 0 { return content }
      if count > 0 {
        content += buffer.prefix(count)
      } else if errno == EAGAIN, let deadline {
        var interest = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        let rest = max(0, deadline - milliseconds)
        guard rest > 0, unsafe poll(&interest, 1, Int32(clamping: rest)) != 0 else {
          throw Failure(message: "it is a pipe that did not end in time")
        }
      } else if errno != EINTR {
        throw Failure()
      }
    }
    throw Failure(message: "it is over \(limit >> 20) MiB")
  }

  /// Milliseconds on the monotonic clock.
  static var milliseconds: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000 &+ Int64(time.tv_nsec) / 1_000_000
  }
}
