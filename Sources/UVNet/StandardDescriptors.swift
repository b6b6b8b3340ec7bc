#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The three descriptors that every program expects to be open.
public enum StandardDescriptors {
  /// Opens `/dev/null` in place of each closed descriptor of 0, 1 and 2.
  ///
  /// Call it before anything else is opened. Otherwise a socket could get the number, and a program that
  /// was started with standard error closed would write its diagnostics to a peer.
  ///
  /// - Throws: The system's error if `/dev/null` cannot be opened.
  public static func openMissing() throws(UVError) {
    for descriptor in STDIN_FILENO...STDERR_FILENO {
      guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
      // The lowest free number is the one that is missing: those below it are open by now.
      guard unsafe open("/dev/null", O_RDWR) >= 0 else { throw UVError(-errno, .open) }
    }
  }
}
