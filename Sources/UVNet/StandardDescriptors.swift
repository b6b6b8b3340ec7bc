#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The three descriptors that every program expects to be open.
public enum StandardDescriptors {
  /// Opens `/dev/null` in the place of descriptors 0, 1 and 2 that are closed.
  ///
  /// Call it before anything else is opened: a program started with one of them closed would
  /// otherwise get a socket for it, and write its diagnostics to a peer.
  ///
  /// - Throws: The system's error where `/dev/null` cannot be opened.
  public static func openMissing() throws(UVError) {
    for descriptor in STDIN_FILENO...STDERR_FILENO {
      guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
      // The lowest free number is the one that is missing: those below it are open by now.
      guard unsafe open("/dev/null", O_RDWR) >= 0 else { throw UVError(-errno, .open) }
    }
  }
}
