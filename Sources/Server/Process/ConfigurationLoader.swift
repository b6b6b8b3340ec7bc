#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Puts the settings together from the file and the flags of one command line, again at each
/// reload.
struct ConfigurationLoader {
  var path: String?
  /// Values given by flags, in ``ConfigurationKey``'s terms.
  var flags: [(flag: String, section: String, key: String, value: String)] = []

  private static let maximumByteCount = 1 << 20

  func load() throws(ConfigurationSource.Problems) -> ConfigurationSource {
    var source = ConfigurationSource()
    if let path { try source.apply(ini: Self.contents(of: path), path: path) }
    for flag in flags {
      try source.apply(flag: flag.flag, flag.key, in: flag.section, flag.value)
    }
    return source
  }

  private static func contents(of path: String) throws(ConfigurationSource.Problems) -> [UInt8] {
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
        throw ConfigurationSource.Problems(lines: ["\(path): error: the file is over 1 MiB"])
      }
    }
  }

  private static func cannotRead(_ path: String) -> ConfigurationSource.Problems {
    let reason = String(cString: strerror(errno))
    return ConfigurationSource.Problems(lines: ["\(path): error: cannot be read: \(reason)"])
  }
}
