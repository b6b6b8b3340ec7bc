/// Whole lines for a descriptor that may take all, some or none of them.
///
/// Lines that are not taken are lost and counted, because a full disk or a reader that has stalled
/// must cost neither memory nor service. Of a line that was taken in part the remaining bytes are
/// kept and written before anything else, so that no line is ever torn.
package struct LineOutput {
  /// Tries to write once: the number of bytes taken, or zero or less if none were.
  package typealias Write = (RawSpan) -> Int

  package init() {}

  private var unfinished: [UInt8] = []
  private var takenOfUnfinished = 0
  private var needsLineEnd = false
  /// Lines lost that no line has reported yet.
  package private(set) var lost = 0
  /// Lines lost in all.
  package private(set) var totalLost: UInt64 = 0

  /// Whether a line was taken in part, and its remaining bytes wait.
  package var hasUnfinishedLine: Bool { !unfinished.isEmpty }
  /// Whether lost lines are to be reported, or a line is to be finished, when writing works again.
  package var owesWriting: Bool { lost > 0 || hasUnfinishedLine || needsLineEnd }

  /// Sets whether a line end must be written first, because the file ends inside a line.
  package mutating func setNeedsLineEnd(_ needsLineEnd: Bool) { self.needsLineEnd = needsLineEnd }

  /// Writes lines, as many as are taken, after what is owed from earlier.
  ///
  /// - Parameters:
  ///   - lines: Whole lines, their ends included; with none only what is owed from earlier is
  ///     written.
  ///   - write: Writes to the descriptor.
  ///   - lostLine: Makes the line that says how many lines were lost before it.
  package mutating func write(
    _ lines: RawSpan, by write: Write, lostLine: (_ count: Int) -> [UInt8]
  ) {
    guard finish(write), tellLost(write, lostLine) else {
      countLost(Self.lineCount(lines.bytes[...]))
      return
    }
    let taken = Self.writeAll(lines, write)
    if taken < lines.byteCount { lose(lines.bytes, from: taken) }
  }

  /// Writes what has to come before any new line; true when nothing of it is left.
  private mutating func finish(_ write: Write) -> Bool {
    if needsLineEnd {
      let lineEnd = [UInt8(ascii: "\n")]
      guard unsafe Self.writeAll(lineEnd.span.bytes, write) == 1 else { return false }
      needsLineEnd = false
    }
    guard hasUnfinishedLine else { return true }
    let taken = unsafe Self.writeAll(unfinished.span.bytes, write)
    unfinished.removeFirst(taken)
    takenOfUnfinished += taken
    return unfinished.isEmpty
  }

  /// Writes the line about lines that were lost; true when it is written, or there is none to write.
  private mutating func tellLost(_ write: Write, _ lostLine: (_ count: Int) -> [UInt8]) -> Bool {
    guard lost > 0 else { return true }
    let line = lostLine(lost)
    let taken = unsafe Self.writeAll(line.span.bytes, write)
    if taken > 0 { lost = 0 }
    if taken > 0, taken < line.count { keep(line[taken...], after: taken) }
    return taken == line.count
  }

  /// Counts the lines that were not taken, and keeps the remaining bytes of one taken in part.
  private mutating func lose(_ lines: [UInt8], from taken: Int) {
    var rest = lines[taken...]
    let lineStart = lines[..<taken].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    if lineStart < taken {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex - 1
      keep(rest[...end], after: taken - lineStart)
      rest = rest[(end + 1)...]
    }
    countLost(Self.lineCount(rest))
  }

  /// Gives up a line that was taken in part, because its file was cut or is about to be closed.
  ///
  /// - Returns: How many bytes of it were written; those still in the file should be removed, since
  ///   the line will never be completed.
  @discardableResult
  package mutating func abandonUnfinishedLine() -> Int {
    guard hasUnfinishedLine else { return 0 }
    countLost(1)
    unfinished = []
    return takenOfUnfinished
  }

  private mutating func countLost(_ lines: Int) {
    lost += lines
    totalLost += UInt64(lines)
  }

  private mutating func keep(_ rest: ArraySlice<UInt8>, after taken: Int) {
    unfinished = Array(rest)
    takenOfUnfinished = taken
  }

  private static func writeAll(_ bytes: RawSpan, _ write: Write) -> Int {
    var position = 0
    while position < bytes.byteCount {
      let taken = write(bytes.extracting(position..<bytes.byteCount))
      if taken <= 0 { break }
      position += taken
    }
    return position
  }

  private static func lineCount(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.count { $0 == UInt8(ascii: "\n") }
  }
}

extension RawSpan {
  /// A copy.
  fileprivate var bytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
