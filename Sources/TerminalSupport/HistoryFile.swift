import TestTaskProgramBasics

/// The lines typed at earlier prompts, in a file that only its owner can read.
///
/// Lines are appended as they are typed, so that a kill loses none; a file that has grown too long
/// is cut when it is loaded. Nothing here is worth an error: without a file there is no memory,
/// that is all.
package struct HistoryFile {
  /// Far more than the file can grow to in a session.
  private static let byteLimit = 1 << 26
  private let path: String

  package init(path: String) { self.path = path }

  /// A program's file under `$XDG_STATE_HOME`, by default `~/.local/state`
  /// (<https://specifications.freedesktop.org/basedir-spec/latest/>); nil without a home.
  package init?(program: String) {
    let state = environment("XDG_STATE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
    guard let base = state ?? environment("HOME").map({ $0 + "/.local/state" }) else {
      return nil
    }
    self.init(path: "\(base)/\(program)/history")
  }

  /// The lines kept, oldest first.
  package func load() -> [String] {
    let bytes = try? Descriptor.readFile(path, limit: Self.byteLimit, isPrivate: true)
    var lines: [String] = []
    for case .text(let line) in LineReader.lines(of: bytes ?? []) { lines.append(line) }
    if lines.count > History.limit {
      lines.removeFirst(lines.count - History.limit)
      write(lines.joined(separator: "\n"), truncates: true)
    }
    return lines
  }

  /// Adds one line at the end.
  package func append(_ line: String) { write(line, truncates: false) }

  private func write(_ text: String, truncates: Bool) {
    Descriptor.makeFolders(for: path)
    let file = try? Descriptor(
      appendingTo: path, mode: 0o600, followsLinks: false, truncates: truncates)
    file?.makePrivate()
    try? file?.write(text + "\n")
    file?.close()
  }
}
