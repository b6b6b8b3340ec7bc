import TestTaskProgramBasics

/// The lines typed at earlier prompts, in a file that only its owner can read.
///
/// Lines are appended as they are typed, so that none is lost when the program is killed. A file
/// that has grown too long is cut when it is loaded: the newest lines are written to a new file,
/// which is renamed over the old one. A lock keeps programs that run at the same time from changing
/// the file together. No failure is an error: without a file the history is empty.
package final class HistoryFile {
  /// What was read.
  package struct Contents: Equatable {
    /// The lines kept, oldest first.
    package var lines: [String] = []
    /// A note for the user.
    package var notice: String?
  }

  /// A larger file did not come from typing, so the user gets a notice about it.
  package static let expectedBytes = 1 << 26
  private let path: String
  /// Lines that are not in the file yet, because another program held the lock.
  private var unsaved: [UInt8] = []

  /// The file at a path.
  package init(path: String) { self.path = path }

  /// A program's file under `$XDG_STATE_HOME`, by default `~/.local/state`
  /// (<https://specifications.freedesktop.org/basedir-spec/latest/>); nil without a home.
  package convenience init?(program: String) {
    let state = environment("XDG_STATE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
    guard let base = state ?? environment("HOME").map({ $0 + "/.local/state" }) else {
      return nil
    }
    self.init(path: "\(base)/\(program)/history")
  }

  /// The newest lines, as many as a history keeps.
  ///
  /// Only the end of the file is read, so a longer file does not take longer.
  package func load() -> Contents {
    let (bytes, size, isCut) = readAndCut()
    let lines = bytes.split(separator: 0x0A).compactMap(Self.text)
    var contents = Contents(lines: lines)
    if size > Self.expectedBytes {
      contents.notice =
        "the history had grown to \(size >> 20) MiB: "
        + (isCut ? "cut to its last \(lines.count) lines" : "only its last lines are read")
    }
    return contents
  }

  /// The bytes of the newest lines, the size of the file, and whether it was cut to them.
  ///
  /// Other programs wait for the lock meanwhile, so this does only what has to be done under it.
  private func readAndCut() -> (bytes: ArraySlice<UInt8>, size: Int, isCut: Bool) {
    guard let file = LockedFile(path, opensUnlocked: true) else { return ([], 0, false) }
    let (bytes, isAll) = file.lastLines(History.limit)
    let isCut = !isAll && file.replace(with: bytes)
    return (bytes, file.size, isCut)
  }

  /// Appends one line; while another program holds the lock, the line waits for the next call.
  package func append(_ line: String) {
    unsaved += Array(line.utf8) + [0x0A]
    Descriptor.makeFolders(for: path)
    save(LockedFile(path, isMade: true, opensUnlocked: false))
  }

  /// Writes the lines that ``append(_:)`` could not write.
  ///
  /// It waits for the lock for about three seconds. A program that holds it longer has been
  /// stopped, so writing without the lock is safe: that program does not cut the file now.
  package func close() {
    if unsaved.isEmpty { return }
    save(LockedFile(path, isMade: true, patience: 3000, opensUnlocked: true))
  }

  private func save(_ file: consuming LockedFile?) {
    guard let file else { return }
    file.append(unsaved)
    unsaved = []
  }

  /// A line as text, with bytes that are not UTF-8 shown as escapes; nil when it is too long.
  private static func text(of line: ArraySlice<UInt8>) -> String? {
    guard line.count <= LineReader.limit else { return nil }
    if let text = String(validating: line, as: UTF8.self) { return text }
    var parser = Unicode.UTF8.ForwardParser()
    var rest = line.makeIterator()
    var place = line.startIndex
    var text = ""
    while true {
      switch parser.parseScalar(from: &rest) {
      case .valid(let scalar):
        text.unicodeScalars.append(Unicode.UTF8.decode(scalar))
        place += scalar.count
      case .error(let length):
        for byte in line[place..<place + length] { text += "\\x" + String(byte, radix: 16) }
        place += length
      case .emptyInput: return text
      }
    }
  }
}
