import ProgramSupport

/// The log of clients that come and go: lines of one turn of the loop, written together.
///
/// Whoever owns it calls ``flush()`` at the end of the turn, and ``reopen()`` after a rotation.
struct ConnectionLog: ~Copyable {
  var level: LogLevel
  private let path: String
  private let format: LogFormat
  private var file: LogFile
  private var buffer = LogBuffer()
  private var timestamp = LogTimestamp()

  /// Opens the file for appending, making it if need be; `-` is standard output.
  init(path: String, format: LogFormat, level: LogLevel) throws(LogFile.Failure) {
    self.path = path
    self.format = format
    self.level = level
    file = try LogFile(opening: path)
    endTornLine()
  }

  /// Whether lines wait for ``flush()``.
  var hasLines: Bool { !buffer.isEmpty }
  /// Whether a failed write left something to make up for: ``flush()`` now and then.
  var owesWriting: Bool { buffer.owesWriting }

  /// Adds an event if the level asks for it; `addFields` gives it what belongs to the event.
  mutating func record(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogLine) -> Void = { _ in }
  ) {
    guard level <= self.level else { return }
    buffer.append(makeLine(level, event, addFields))
    // A turn with very many events must not hold them all in memory.
    if buffer.byteCount >= 262_144 { flush() }
  }

  /// Hands everything to the file; what it does not take is lost and counted.
  mutating func flush() {
    guard hasLines || owesWriting else { return }
    var lines = buffer
    // The other reference would make every change to the lines a copy.
    buffer = LogBuffer()
    lines.flush({ file.take($0) }) { count in
      makeLine(.error, "lost") { $0.add("count", count) }
    }
    buffer = lines
  }

  /// Opens the path anew; the old file stays in use if that fails.
  mutating func reopen() throws(LogFile.Failure) {
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

  private mutating func makeLine(
    _ level: LogLevel, _ event: StaticString, _ addFields: (inout LogLine) -> Void
  ) -> LogLine {
    var line = LogLine(format)
    line.add("ts") {
      timestamp.append(wallClockNanoseconds: WallClock.nanoseconds, to: &$0)
    }
    line.add("level", level.rawValue)
    line.add("event", event.description)
    addFields(&line)
    line.finish()
    return line
  }
}
