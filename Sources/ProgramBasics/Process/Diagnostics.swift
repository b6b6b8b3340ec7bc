#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Lines for whoever runs a program, on standard error, each written at once.
///
/// Standard error is never waited for: a line that it does not take is lost, counted, and told when
/// it takes lines again. When the service manager's journal reads standard error, each line begins
/// with its priority, `<3>`, which the journal takes off (sd-daemon(3)).
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

  /// Whether lines were lost that were not told of yet, or the rest of a line waits, and there is
  /// still a reader to tell.
  package var owesWriting: Bool { writer.owesWriting && writer.failure?.isBrokenPipe != true }

  /// Tells of lost lines, and finishes a line, if standard error takes that by now.
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
