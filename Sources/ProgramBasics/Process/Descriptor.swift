#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files and the standard descriptors by plain system calls, and nothing that waits for ever.
package struct Descriptor {
  /// Why the system refused.
  package struct Failure: Error {
    package let message: String
    /// The reader of a pipe has left.
    package let isBrokenPipe: Bool

    fileprivate init(_ number: Int32 = errno) {
      message = String(cString: strerror(number))
      isBrokenPipe = number == EPIPE
    }
  }

  package static let output = Descriptor(number: STDOUT_FILENO)
  package static let errors = Descriptor(number: STDERR_FILENO)

  private let number: Int32

  private init(number: Int32) { self.number = number }

  /// Opens a file to append to it, made where there is none; a FIFO that nobody reads is an error.
  package init(
    appendingTo path: String, mode: UInt16, followsLinks: Bool = true, truncates: Bool = false
  ) throws(Failure) {
    var flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC
    if !followsLinks { flags |= O_NOFOLLOW }
    if truncates { flags |= O_TRUNC }
    number = open(path, flags, mode_t(mode))
    guard number >= 0 else { throw Failure() }
  }

  /// Standard output; a terminal is opened anew, so that writing to it never blocks.
  ///
  /// The flags of the one that the program was given are others' too, who would feel a change.
  package static func unblockingOutput() -> Descriptor {
    guard output.isTerminal, let name = ttyname(STDOUT_FILENO) else { return output }
    let number = open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    return number >= 0 ? Descriptor(number: number) : output
  }

  package func close() { _ = closeDescriptor(number) }

  package var isTerminal: Bool { isatty(number) == 1 }

  /// Writes as much as can be written at once; 0 when that is nothing.
  ///
  /// It does not block where the descriptor would: a pipe that is writable takes these 4096 bytes.
  package func write(someOf bytes: ArraySlice<UInt8>, patience: Int32 = 0) throws(Failure) -> Int {
    var interest = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    while true {
      let isReady = poll(&interest, 1, patience)
      if isReady == 0 { return 0 }
      let count = bytes.prefix(4096).withUnsafeBytes {
        writeBytes(number, $0.baseAddress, $0.count)
      }
      if count >= 0 { return count }
      if errno == EAGAIN { return 0 }
      if errno != EINTR { throw Failure() }
    }
  }

  /// Writes all of the text, or gives up when nobody takes it for so many milliseconds.
  package func write(_ text: String, patience: Int32 = 100) throws(Failure) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = try write(someOf: bytes, patience: patience)
      guard count > 0 else { throw Failure(ETIMEDOUT) }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Reads a whole file of at most `limit` bytes; one that is ours alone is never a link.
  package static func readFile(
    _ path: String, limit: Int, isPrivate: Bool
  ) throws(Failure) -> [UInt8] {
    let number = open(path, O_RDONLY | O_CLOEXEC | (isPrivate ? O_NOFOLLOW | O_NONBLOCK : 0))
    guard number >= 0 else { throw Failure() }
    defer { _ = closeDescriptor(number) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while content.count <= limit {
      let count = read(number, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure() }
      if count == 0 { return content }
      content += buffer.prefix(count)
    }
    throw Failure(EFBIG)
  }

  /// Makes the folders on the way to a file that is its owner's alone.
  package static func makeFolders(for path: String) {
    for index in path.indices.dropFirst() where path[index] == "/" {
      mkdir(String(path[..<index]), 0o700)
    }
  }

  /// Lets only the owner read and write, though the file may be older than that rule.
  package func makePrivate() { fchmod(number, 0o600) }
}

// The methods above hide these names.
private func closeDescriptor(_ number: Int32) -> Int32 { close(number) }
private func writeBytes(_ number: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(number, bytes, count)
}
