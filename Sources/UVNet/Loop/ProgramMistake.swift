#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Ends the program over a mistake in it, and says on standard error what and where.
///
/// `precondition` says so in debug builds only, where nobody has started the program by a service
/// manager and wonders why it stopped.
///
/// - Parameters:
///   - mistake: What the program did.
///   - file: The file that called the library.
///   - line: The line in it.
func stopProgram(_ mistake: StaticString, _ file: StaticString, _ line: UInt) -> Never {
  let text = "\(file):\(line): mistake in the program: \(mistake)\n"
  // One write, so that threads do not mix their lines; whether it works changes nothing any more.
  unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
    _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
  }
  abort()
}
