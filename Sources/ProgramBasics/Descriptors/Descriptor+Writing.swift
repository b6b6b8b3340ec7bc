#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Descriptor {
  /// Writes as much as the reader takes at once, and never blocks.
  ///
  /// - Returns: How many bytes were taken; 0 while there is no room.
  package func write(_ bytes: RawSpan) throws(Failure) -> Int {
    guard !bytes.isEmpty else { return 0 }
    while true {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe writeOnce(buffer.baseAddress, buffer.count)
      }
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN, EWOULDBLOCK: return 0
      default: throw Failure()
      }
    }
  }

  /// Writes as much as is taken at once; 0 when that is nothing.
  package func write(someOf bytes: ArraySlice<UInt8>) throws(Failure) -> Int {
    try unsafe write(bytes.span.bytes)
  }

  /// Writes all of the text; fails when the reader has taken nothing for `patience` milliseconds.
  ///
  /// Without a patience it waits without a limit, for a program that has nothing else to do.
  package func write(_ text: String, patience: Int32? = 100) throws(Failure) {
    var bytes = Array(text.utf8)[...]
    var deadline = patience.map { Self.milliseconds + Int64($0) } ?? .max
    while !bytes.isEmpty {
      let count = try write(someOf: bytes)
      bytes = bytes.dropFirst(count)
      let now = Self.milliseconds
      if count > 0 {
        deadline = patience.map { now + Int64($0) } ?? .max
        continue
      }
      guard now < deadline else { throw Failure(code: ETIMEDOUT) }
      var interest = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
      // A terminal may poll writable and still have no room for a line end, which takes two bytes.
      if unsafe poll(&interest, 1, Int32(clamping: deadline - now)) > 0 { poll(nil, 0, 1) }
    }
  }

  private func writeOnce(_ start: UnsafeRawPointer?, _ count: Int) -> Int {
    switch way {
    case .plainWrite: return unsafe systemWrite(number, start, count)
    case .send:
      #if canImport(Darwin)
        return unsafe send(number, start, count, MSG_DONTWAIT)
      #else
        return unsafe send(number, start, count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
      #endif
    case .switchedFlags:
      let flags = fcntl(number, F_GETFL)
      guard flags >= 0, flags & O_NONBLOCK == 0 else {
        return unsafe systemWrite(number, start, count)
      }
      guard fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0 else { return -1 }
      let written = unsafe systemWrite(number, start, count)
      let code = errno
      _ = fcntl(number, F_SETFL, flags)
      errno = code
      return written
    }
  }
}

// The methods above hide this name.
private func systemWrite(_ number: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(number, start, count)
}
