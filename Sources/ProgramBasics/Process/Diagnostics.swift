#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lines on standard error for the user or the operator, each written at once.
///
/// Writing never blocks: a line that standard error does not take is lost and counted, and a later
/// line reports the number. When the service manager's journal reads standard error, each line
/// begins with its priority, `<3>`, which the journal takes off (sd-daemon(3)).
package final class Diagnostics {
  private let program: String
  private let isReadByJournal: Bool
  private var writer: LineWriter
  /// Called when a line was lost or taken in part: ``flush()`` should be called a little later.
  package var onLoss: () -> Void = {}

  /// - Parameters:
  ///   - program: What ``report(_:_:)`` begins its lines with.
  ///   - descriptor: What is written to.
  ///   - journalStream: Which stream the journal says is its own, as in `JOURNAL_STREAM`.
  package init(
    program: String, descriptor: Int32 = STDERR_FILENO,
    journalStream: String? = environment("JOURNAL_STREAM")
  ) {
    self.program = program
    var status = stat()
    // Standard error may have been redirected since.
    isReadByJournal =
      unsafe journalStream != nil && fstat(descriptor, &status) == 0
      && journalStream == "\(status.st_dev):\(status.st_ino)"
    writer = LineWriter(sharing: descriptor)
  }

  /// Writes `program: error: …`.
  package func report(_ level: LogLevel, _ message: String) {
    print(level, text(level, message))
  }

  /// Writes a line as it is.
  package func print(_ level: LogLevel, _ line: String) {
    writer.write(prefix(level) + line + "\n", lostLine: lostLine)
    if owesWriting { onLoss() }
  }

  /// Whether lost lines are to be reported, or a line is to be finished, and standard error still
  /// has a reader.
  package var owesWriting: Bool { writer.owesWriting && writer.failure?.isBrokenPipe != true }

  /// Finishes an incomplete line and reports lost lines, as far as standard error takes them now.
  package func flush() { writer.finish(lostLine: lostLine) }

  private func lostLine(_ count: Int) -> [UInt8] {
    let line = text(.warning, "lines lost that standard error did not take: \(count)")
    return Array((prefix(.warning) + line + "\n").utf8)
  }

  private func text(_ level: LogLevel, _ message: String) -> String {
    "\(program): \(level == .info ? "" : "\(level.rawValue): ")\(message)"
  }

  private func prefix(_ level: LogLevel) -> String {
    isReadByJournal ? "<\(level.priority)>" : ""
  }
}
