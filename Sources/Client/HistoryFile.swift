#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The lines typed at earlier prompts, in a file that only its owner can read.
///
/// Lines are appended as they are typed, so that a kill loses none; an overlong file is cut when it
/// is loaded. Nothing here is worth an error: without a file there is no memory, that is all.
struct HistoryFile {
  let path: String

  /// The file under `$XDG_STATE_HOME`, by default `~/.local/state`
  /// (<https://specifications.freedesktop.org/basedir-spec/latest/>); nil without a home.
  static func standard() -> HistoryFile? {
    var base = Descriptor.environment("XDG_STATE_HOME").flatMap { $0.hasPrefix("/") ? $0 : nil }
    if base == nil, let home = Descriptor.environment("HOME") { base = home + "/.local/state" }
    return base.map { HistoryFile(path: $0 + "/testtask-client/history") }
  }

  /// The lines kept, oldest first.
  func load() -> [String] {
    let flags = O_NOFOLLOW | O_NONBLOCK
    guard let bytes = try? Descriptor.readFile(path, limit: 1 << 20, flags: flags) else {
      return []
    }
    let lines = ScriptLine.lines(of: bytes, named: path).compactMap(\.text)
    if lines.count > 2 * History.limit {
      let kept = lines.suffix(History.limit).joined(separator: "\n") + "\n"
      write(kept, flags: O_TRUNC)
    }
    return lines
  }

  /// Adds one line at the end.
  func append(_ line: String) { write(line + "\n", flags: O_APPEND) }

  private func write(_ text: String, flags: Int32) {
    for index in path.indices.dropFirst() where path[index] == "/" {
      mkdir(String(path[..<index]), 0o700)
    }
    let flags = flags | O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let descriptor = open(path, flags, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // The file may be older than this rule.
    fchmod(descriptor, 0o600)
    try? Descriptor.write(text, to: descriptor)
  }
}
