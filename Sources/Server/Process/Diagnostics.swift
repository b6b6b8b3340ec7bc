#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lines for whoever runs the server, on standard error and unbuffered.
///
/// When the service manager's journal reads standard error, each line begins with its priority,
/// `<3>`, which the journal takes off (sd-daemon(3)).
struct Diagnostics {
  private let isReadByJournal: Bool

  init() {
    var status = stat()
    guard let stream = getenv("JOURNAL_STREAM"), fstat(STDERR_FILENO, &status) == 0 else {
      isReadByJournal = false
      return
    }
    // The journal says which stream is its own; standard error may have been redirected since.
    isReadByJournal = String(cString: stream) == "\(status.st_dev):\(status.st_ino)"
  }

  /// Writes `testtask-server: error: …`.
  func report(_ level: LogLevel, _ message: String) {
    let kind = level == .info ? "" : "\(level.rawValue): "
    print(level, "testtask-server: \(kind)\(message)")
  }

  /// Writes a line as it is.
  func print(_ level: LogLevel, _ line: String) {
    let text = (isReadByJournal ? "<\(level.priority)>" : "") + line + "\n"
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
      // Nobody is left to tell that standard error does not work.
      guard written > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, written))
    }
  }
}
