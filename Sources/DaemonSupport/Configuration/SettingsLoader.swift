import TestTaskProgramBasics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Puts the settings together from the file and the flags of one command line, again at each
/// reload.
package struct SettingsLoader<Values: SettingValues> {
  /// A value given by a flag, in the ini's terms.
  package struct Flag {
    let name: String
    let section: String
    let key: String
    let value: String
  }

  package var path: String?
  package private(set) var flags: [Flag] = []

  package init(path: String?) { self.path = path }

  /// Remembers a flag, if it was given; the last of two counts.
  package mutating func add(flag: String, _ key: String, in section: String, _ value: String?) {
    guard let value else { return }
    flags.append(Flag(name: flag, section: section, key: key, value: value))
  }

  /// Reads the file anew, and sets the flags over it.
  package func load() throws(SettingProblems) -> Settings<Values> {
    var settings = Settings<Values>()
    if let path { try settings.apply(ini: Self.contents(of: path), path: path) }
    for flag in flags {
      try settings.apply(flag: flag.name, flag.key, in: flag.section, flag.value)
    }
    return settings
  }

  private static var maximumByteCount: Int { 1 << 20 }

  private static func contents(of path: String) throws(SettingProblems) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw cannotRead(path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw cannotRead(path) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= maximumByteCount else {
        throw problem(with: path, "the file is over 1 MiB")
      }
    }
  }

  private static func cannotRead(_ path: String) -> SettingProblems {
    problem(with: path, "cannot be read: \(String(cString: strerror(errno)))")
  }

  private static func problem(with path: String, _ text: String) -> SettingProblems {
    SettingProblems(lines: ["\(path.escapedForTerminal): error: \(text)"])
  }
}
