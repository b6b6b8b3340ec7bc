package import TestTaskProgramBasics

/// A log of events: lines of one turn of a loop, written together.
///
/// Whoever owns it calls ``flush()`` at the end of the turn, and ``reopen()`` after a rotation.
package struct EventLog: ~Copyable {
  package var level: LogLevel
  private let path: String
  private var file: LogFile
  private var buffer = LogBuffer()
  private var line: LogLine
  private var timestamp = LogTimestamp()

  /// A turn with very many events must not hold them all in memory.
  private static let mostBytesHeld = 262_144

  /// Opens the file for appending, making it if need be; `-` is standard output.
  package init(path: String, format: LogFormat, level: LogLevel) throws(LogFile.Failure) {
    self.path = path
    self.level = level
    line = LogLine(format)
    file = try LogFile(opening: path)
    endTornLine()
  }

  /// Whether lines wait for ``flush()``.
  package var hasLines: Bool { !buffer.isEmpty }
  /// Whether a failed write left something to make up for: ``flush()`` now and then.
  package var owesWriting: Bool { buffer.owesWriting }

  /// Adds an event if the level asks for it; `addFields` gives it what belongs to the event.
  package mutating func record(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogLine) -> Void = { _ in }
  ) {
    guard level <= self.level else { return }
    write(level, event, addFields)
    buffer.append(line.bytes)
    if buffer.byteCount >= Self.mostBytesHeld { flush() }
  }

  /// Hands everything to the file; what it does not take is lost and counted.
  package mutating func flush() {
    guard hasLines || owesWriting else { return }
    var lines = LogBuffer()
    swap(&lines, &buffer)
    lines.flush({ file.take($0) }) { count in
      write(.error, "lost") { $0.add("count", count) }
      return Array(line.bytes)
    }
    swap(&lines, &buffer)
  }

  /// Opens the path anew; the old file stays in use if that fails.
  package mutating func reopen() throws(LogFile.Failure) {
    flush()
    // Nobody will finish a line in the old file once it is closed.
    file.cut(last: buffer.abandonUnfinished())
    file = try LogFile(opening: path)
    endTornLine()
  }

  private mutating func endTornLine() {
    guard file.startsInsideLine else { return }
    withUnsafeBytes(of: UInt8(ascii: "\n")) { _ = file.take($0) }
  }

  private mutating func write(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogLine) -> Void
  ) {
    line.begin(
      at: timestamp.text(wallClockNanoseconds: WallClock.nanoseconds), level, event)
    addFields(&line)
    line.finish()
  }
}
