package import TestTaskProgramBasics
internal import TestTaskProto

/// A log of events: lines of one turn of a loop, written together.
///
/// Whoever owns it calls ``flush()`` at the end of the turn, and ``reopen()`` after a rotation.
package struct EventLog: ~Copyable {
  package var level: LogLevel
  private let path: String
  private var writer: LineWriter
  /// The lines of this turn.
  private var text: LogText
  private var time = TimeText(.local)

  /// A turn with very many events must not hold them all in memory.
  private static let mostBytesHeld = 262_144

  /// Opens the file for appending, making it if need be; `-` is standard output.
  package init(path: String, format: LogFormat, level: LogLevel) throws(LogFile.Failure) {
    self.path = path
    self.level = level
    text = LogText(format)
    writer = try LogFile.open(path)
  }

  /// Whether lines wait for ``flush()``.
  package var hasLines: Bool { text.byteCount > 0 }
  /// Whether lost lines are to be reported, or a line is to be finished: call ``flush()`` now and
  /// then.
  package var owesWriting: Bool { writer.owesWriting }
  /// Lines that the file has not taken, in all.
  package var linesLost: UInt64 { writer.linesLost }

  /// Why lines are being lost, if they are.
  package var failure: LogFile.Failure? {
    guard owesWriting else { return nil }
    return LogFile.Failure(
      path: path, reason: writer.failure?.message ?? "its reader takes no more")
  }

  /// Adds an event if the log's level includes it; `addFields` adds the event's own fields.
  package mutating func record(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogText) -> Void = { _ in }
  ) {
    guard level <= self.level else { return }
    time.update(wallClockNanoseconds: WallClock.nanoseconds)
    text.begin(at: time.text, level, event)
    addFields(&text)
    text.end()
    if text.byteCount >= Self.mostBytesHeld { flush() }
  }

  /// Writes all lines to the file; those that it does not take are lost and counted.
  package mutating func flush() {
    guard hasLines || owesWriting else { return }
    let format = text.format
    text.withBytes { lines in
      writer.write(lines) { Self.line(forLost: $0, format) }
    }
    text.removeAll()
  }

  private static func line(forLost count: Int, _ format: LogFormat) -> [UInt8] {
    var time = TimeText(.local)
    time.update(wallClockNanoseconds: WallClock.nanoseconds)
    var line = LogText(format)
    line.begin(at: time.text, .error, "lost")
    line.add("count", count)
    line.end()
    return line.withBytes { unsafe $0.withUnsafeBytes { unsafe Array($0) } }
  }

  /// Opens the path anew; the old file stays in use if that fails.
  package mutating func reopen() throws(LogFile.Failure) {
    flush()
    do throws(Descriptor.Failure) {
      try writer.reopen(mode: LogFile.mode)
    } catch {
      throw LogFile.Failure(path: path, reason: error.message)
    }
  }
}
