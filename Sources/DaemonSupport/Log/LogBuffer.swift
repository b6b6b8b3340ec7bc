import TestTaskProgramBasics

/// Log lines on their way to a descriptor that may take all, some or none of them.
///
/// Lines are collected and leave in one write. What is not taken is lost and counted, because a
/// full disk must cost neither memory nor service; only the rest of a line that was taken in part
/// is kept, to be finished before anything else, so that no line is ever torn.
package struct LogBuffer {
  /// Tries to write once: the number of bytes taken, or zero or less if it failed.
  package typealias Write = (UnsafeRawBufferPointer) -> Int

  package init() {}

  private var lines: [UInt8] = []
  private var unfinished: [UInt8] = []
  private var takenOfUnfinished = 0
  /// Lines lost since the last time that the log could say so.
  package private(set) var lost = 0

  /// Whether no line waits for ``flush(_:lostLine:)``.
  package var isEmpty: Bool { lines.isEmpty }
  package var byteCount: Int { lines.count }
  /// Whether there is something to say or to finish when writing works again.
  package var owesWriting: Bool { lost > 0 || !unfinished.isEmpty }

  /// Adds a whole line, its end included.
  package mutating func append(_ line: UnsafeRawBufferPointer) { lines.append(contentsOf: line) }

  /// Writes what it can; `lostLine` makes the line that owns up to earlier losses.
  package mutating func flush(_ write: Write, lostLine: (_ count: Int) -> [UInt8]) {
    defer { lines.removeAll(keepingCapacity: lines.count <= 65_536) }
    guard finish(write) else {
      lost += lineCount(lines[...])
      return
    }
    if lost > 0 {
      let line = lostLine(lost)
      let taken = Self.writeAll(line[...], write)
      if taken > 0 { lost = 0 }
      if taken < line.count {
        if taken > 0 { keep(line[taken...], after: taken) }
        lost += lineCount(lines[...])
        return
      }
    }
    let taken = Self.writeAll(lines[...], write)
    guard taken < lines.count else { return }
    var rest = lines[taken...]
    let lineStart = lines[..<taken].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    if lineStart < taken {
      let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex - 1
      keep(rest[...end], after: taken - lineStart)
      rest = rest[(end + 1)...]
    }
    lost += lineCount(rest)
  }

  /// Writes the rest of a line that was taken in part; true when nothing of it is left.
  private mutating func finish(_ write: Write) -> Bool {
    let taken = Self.writeAll(unfinished[...], write)
    unfinished.removeFirst(taken)
    takenOfUnfinished += taken
    return unfinished.isEmpty
  }

  /// Gives up on a line that was taken in part, because its file is given up.
  ///
  /// - Returns: the bytes of it that are in the file and have to go, or nobody could read the rest.
  package mutating func abandonUnfinished() -> Int {
    guard !unfinished.isEmpty else { return 0 }
    lost += 1
    unfinished = []
    return takenOfUnfinished
  }

  private mutating func keep(_ rest: ArraySlice<UInt8>, after taken: Int) {
    unfinished = Array(rest)
    takenOfUnfinished = taken
  }

  private static func writeAll(_ bytes: ArraySlice<UInt8>, _ write: Write) -> Int {
    bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let taken = write(UnsafeRawBufferPointer(rebasing: buffer[written...]))
        if taken <= 0 { break }
        written += min(taken, buffer.count - written)
      }
      return written
    }
  }

  private func lineCount(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.count { $0 == UInt8(ascii: "\n") }
  }
}
