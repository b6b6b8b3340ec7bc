#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes whole lines to a file or a descriptor, and never waits.
///
/// Lines that are not taken are lost and counted, and a line reports them when writing works again.
/// A file always keeps whole lines:
///
/// - a file that ends inside a line, as after a power cut, gets the line's end before anything else;
/// - the remaining bytes of a line that was taken in part follow later, unless the file was cut in
///   between (as by `copytruncate`): then they would be half a line at the beginning of the file;
/// - a file that is given up in the middle of a line loses the beginning of that line too.
package struct LineWriter: ~Copyable {
  private var descriptor: Descriptor
  /// The path of a file that was opened here; nil for a descriptor that was opened elsewhere.
  private let path: String?
  private var output = LineOutput()
  /// The size of the file when the last write to it had left a line unfinished.
  private var sizeAfterUnfinished = 0
  /// Why the last write failed; nil if it succeeded, or only lacked room.
  package private(set) var failure: Descriptor.Failure?

  /// Writes to a shared descriptor, which is not closed here.
  package init(sharing number: Int32) { self.init(Descriptor(sharing: number)) }

  /// Writes to a descriptor that was opened elsewhere.
  package init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    path = nil
  }

  /// Opens a file to append lines to it, made with the permissions `mode` where there is none.
  package init(appendingTo path: String, mode: UInt16) throws(Descriptor.Failure) {
    self.path = path
    descriptor = try Descriptor(appendingTo: path, mode: mode)
    output.setNeedsLineEnd(Self.endsInsideLine(path, size: Self.fileSize(descriptor)))
  }

  deinit { descriptor.close() }

  /// Whether lost lines are to be reported, or a line is to be finished: call ``finish(lostLine:)``
  /// now and then.
  package var owesWriting: Bool { output.owesWriting }
  /// Lines that were not taken, in all.
  package var linesLost: UInt64 { output.totalLost }

  /// Writes whole lines, as many as are taken; the others are lost and counted.
  ///
  /// - Parameters:
  ///   - lines: The lines, their ends included.
  ///   - lostLine: Makes the line that says how many lines were lost before it.
  package mutating func write(_ lines: RawSpan, lostLine: (_ count: Int) -> [UInt8]) {
    let descriptor = descriptor
    var failure: Descriptor.Failure?
    write(lines, lostLine: lostLine) { bytes in
      do throws(Descriptor.Failure) {
        return try descriptor.write(bytes)
      } catch {
        failure = error
        return 0
      }
    }
    self.failure = failure
  }

  /// Writes a whole line, its end included; see ``write(_:lostLine:)-(RawSpan,_)``.
  package mutating func write(_ line: String, lostLine: (_ count: Int) -> [UInt8]) {
    let bytes = Array(line.utf8)
    unsafe write(bytes.span.bytes, lostLine: lostLine)
  }

  /// Finishes a line that was taken in part, and reports lost lines.
  package mutating func finish(lostLine: (_ count: Int) -> [UInt8]) {
    if owesWriting { write("", lostLine: lostLine) }
  }

  mutating func write(
    _ lines: RawSpan, lostLine: (_ count: Int) -> [UInt8], by write: LineOutput.Write
  ) {
    noticeCut()
    output.write(lines, by: write, lostLine: lostLine)
    if path != nil, output.hasUnfinishedLine { sizeAfterUnfinished = Self.fileSize(descriptor) }
  }

  /// Opens the path anew, after it was moved away; the old file stays in use if that fails.
  ///
  /// A descriptor that was opened elsewhere stays as it is.
  package mutating func reopen(mode: UInt16) throws(Descriptor.Failure) {
    guard let path else { return }
    let old = descriptor
    let new = try Descriptor(appendingTo: path, mode: mode)
    // A line in the old file cannot be finished once that is closed, so its beginning is removed.
    let size = Self.fileSize(old)
    let isAsLeft = size == sizeAfterUnfinished
    let taken = output.abandonUnfinishedLine()
    if taken > 0, isAsLeft { ftruncate(old.number, off_t(size - taken)) }
    old.close()
    descriptor = new
    output.setNeedsLineEnd(Self.endsInsideLine(path, size: Self.fileSize(new)))
  }

  /// Forgets the remaining bytes of a line whose beginning was cut off the file.
  private mutating func noticeCut() {
    guard let path, owesWriting else { return }
    let size = Self.fileSize(descriptor)
    if output.hasUnfinishedLine, size < sizeAfterUnfinished {
      output.abandonUnfinishedLine()
      output.setNeedsLineEnd(Self.endsInsideLine(path, size: size))
    } else if size == 0 {
      output.setNeedsLineEnd(false)
    }
  }

  /// The size of a regular file; 0 for anything else.
  private static func fileSize(_ descriptor: Descriptor) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return 0
    }
    return Int(status.st_size)
  }

  /// Looks at the last byte, if the file may be read.
  private static func endsInsideLine(_ path: String, size: Int) -> Bool {
    guard size > 0 else { return false }
    let number = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard number >= 0 else { return false }
    defer { systemClose(number) }
    var last = UInt8(ascii: "\n")
    return unsafe pread(number, &last, 1, off_t(size - 1)) == 1 && last != UInt8(ascii: "\n")
  }
}
