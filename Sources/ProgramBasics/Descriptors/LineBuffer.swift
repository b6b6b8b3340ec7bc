/// Lines on their way to a descriptor that may take all, some or none of them.
///
/// Lines are collected and leave in one write. What is not taken is lost and counted, because a
/// full disk or a reader that has stalled must cost neither memory nor service; only the rest of a
/// line that was taken in part is kept, to be finished before anything else, so that no line is
/// ever torn.
package struct LineBuffer {
  /// Tries to write once: the number of bytes taken, or zero or less if none were.
  package typealias Write = (RawSpan) -> Int

  package init() {}

  private var lines: [UInt8] = []
  private var unfinished: [UInt8] = []
  private var takenOfUnfinished = 0
  private var needsLineEnd = false
  /// Lines lost since the last time that a line could say so.
  package private(set) var lost = 0

  /// Whether no line waits for ``flush(_:lostLine:)``.
  package var isEmpty: Bool { lines.isEmpty }
  /// Bytes of the lines that wait.
  package var byteCount: Int { lines.count }
  /// Whether a line was taken in part and its rest waits.
  package var hasUnfinishedLine: Bool { !unfinished.isEmpty }
  /// Whether there is something to say or to finish when writing works again.
  package var owesWriting: Bool { lost > 0 || hasUnfinishedLine || needsLineEnd }

  /// Adds a whole line, its end included.
  package mutating func append(_ line: RawSpan) {
    unsafe line.withUnsafeBytes { unsafe lines.append(contentsOf: $0) }
  }

  /// Adds a whole line, its end included.
  package mutating func append(_ line: String) { lines.append(contentsOf: line.utf8) }

  /// Says whether the next line must begin with a line's end: somebody else's line was cut off there.
  package mutating func setNeedsLineEnd(_ needsLineEnd: Bool) { self.needsLineEnd = needsLineEnd }

  /// Writes what is taken, after what is owed from earlier.
  ///
  /// - Parameters:
  ///   - write: Writes to the descriptor.
  ///   - lostLine: Makes the line that says how many lines were lost before it.
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

  /// Writes what has to come before any new line; true when nothing of it is left.
  private mutating func finish(_ write: Write) -> Bool {
    if needsLineEnd {
      let lineEnd = [UInt8(ascii: "\n")]
      guard Self.writeAll(lineEnd[...], write) == 1 else { return false }
      needsLineEnd = false
    }
    guard hasUnfinishedLine else { return true }
    let taken = Self.writeAll(unfinished[...], write)
    unfinished.removeFirst(taken)
    takenOfUnfinished += taken
    return unfinished.isEmpty
  }

  /// Gives up on a line that was taken in part, because its file is given up or was cut.
  ///
  /// - Returns: How many bytes of it are in the file; they have to go, or nobody could read the rest.
  @discardableResult
  package mutating func abandonUnfinishedLine() -> Int {
    guard hasUnfinishedLine else { return 0 }
    lost += 1
    unfinished = []
    return takenOfUnfinished
  }

  private mutating func keep(_ rest: ArraySlice<UInt8>, after taken: Int) {
    unfinished = Array(rest)
    takenOfUnfinished = taken
  }

  private static func writeAll(_ bytes: ArraySlice<UInt8>, _ write: Write) -> Int {
    var rest = bytes
    while !rest.isEmpty {
      let taken = unsafe write(rest.span.bytes)
      if taken <= 0 { break }
      rest = rest.dropFirst(taken)
    }
    return bytes.count - rest.count
  }

  private func lineCount(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.count { $0 == UInt8(ascii: "\n") }
  }
}
