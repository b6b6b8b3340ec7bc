/// The lines typed at earlier prompts, in a file that only its owner can read.
///
/// Lines are appended as they are typed, so that a kill loses none; an overlong file is cut when it
/// is loaded. Nothing here is worth an error: without a file there is no memory, that is all.
struct HistoryFile {
  let path: String

  /// The file under `$XDG_STATE_HOME`, by default `~/.local/state`
  /// (<https://specifications.freedesktop.org/basedir-spec/latest/>); nil without a home.
  static func standard() -> HistoryFile? {
    let state = Descriptor.environment("XDG_STATE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
    let base = state ?? Descriptor.environment("HOME").map { $0 + "/.local/state" }
    return base.map { HistoryFile(path: $0 + "/testtask-client/history") }
  }

  /// The lines kept, oldest first.
  func load() -> [String] {
    let bytes = try? Descriptor.readFile(path, limit: 1 << 20, isPrivate: true)
    let lines = ScriptLine.lines(of: bytes ?? [], named: path).compactMap(\.text)
    if lines.count > 2 * History.limit {
      write(lines.suffix(History.limit).joined(separator: "\n"), truncates: true)
    }
    return lines
  }

  /// Adds one line at the end.
  func append(_ line: String) { write(line, truncates: false) }

  private func write(_ text: String, truncates: Bool) {
    Descriptor.makeFolders(for: path)
    let file = try? Descriptor(
      appendingTo: path, mode: 0o600, followsLinks: false, truncates: truncates)
    file?.makePrivate()
    try? file?.write(text + "\n")
    file?.close()
  }
}
