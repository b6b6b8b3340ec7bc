#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lines for whoever runs a service, on standard error and unbuffered.
///
/// When the service manager's journal reads standard error, each line begins with its priority,
/// `<3>`, which the journal takes off (sd-daemon(3)).
package struct Diagnostics {
  private let program: String
  private let descriptor: Int32
  private let isReadByJournal: Bool

  /// - Parameters:
  ///   - program: What ``report(_:_:)`` begins its lines with.
  ///   - descriptor: What is written to.
  ///   - journalStream: Which stream the journal says is its own, as in `JOURNAL_STREAM`.
  package init(
    program: String, descriptor: Int32 = STDERR_FILENO,
    journalStream: String? = environment("JOURNAL_STREAM")
  ) {
    self.program = program
    self.descriptor = descriptor
    var status = stat()
    // Standard error may have been redirected since.
    isReadByJournal =
      journalStream != nil && fstat(descriptor, &status) == 0
      && journalStream == "\(status.st_dev):\(status.st_ino)"
  }

  /// Writes `program: error: …`.
  package func report(_ level: LogLevel, _ message: String) {
    let kind = level == .info ? "" : "\(level.rawValue): "
    print(level, "\(program): \(kind)\(message)")
  }

  /// Writes a line as it is.
  package func print(_ level: LogLevel, _ line: String) {
    let text = (isReadByJournal ? "<\(level.priority)>" : "") + line + "\n"
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      // Nobody is left to tell that it does not work.
      guard written > 0 || errno == EINTR else { return }
      bytes = bytes.dropFirst(max(0, written))
    }
  }
}
