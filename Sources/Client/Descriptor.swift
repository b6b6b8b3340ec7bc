#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reading and writing whole texts by plain system calls.
enum Descriptor {
  /// Why the system refused: its error number.
  struct Failure: Error {
    var number: Int32

    var message: String { String(cString: strerror(number)) }
  }

  /// Writes all of the text, waiting where the descriptor is non-blocking and full: standard
  /// output may share its flags with standard input.
  static func write(_ text: String, to descriptor: Int32) throws(Failure) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { system_write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        bytes = bytes.dropFirst(count)
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        var interest = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&interest, 1, -1)
      } else if errno != EINTR {
        throw Failure(number: errno)
      }
    }
  }

  /// Reads a whole file, at most `limit` bytes of it.
  static func readFile(_ path: String, limit: Int, flags: Int32 = 0) throws(Failure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | flags)
    guard descriptor >= 0 else { throw Failure(number: errno) }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while content.count < limit {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure(number: errno) }
      if count == 0 { break }
      content += buffer.prefix(count)
    }
    return content
  }

  /// An environment variable's text, nil when it is not set or empty.
  static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}

private func system_write(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
