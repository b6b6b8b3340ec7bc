#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The copy of the log in a file.
struct LogFile {
  let path: String
  private let descriptor: Int32
  private var isFailing = false

  /// Opens the file to append to it; a FIFO that nobody reads is an error and no hang.
  init(path: String) throws(CommandError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let reason = Descriptor.Failure(number: errno).message
      throw CommandError(message: "cannot open the log file \(path.escapedForTerminal): \(reason)")
    }
  }

  /// Appends a line; what could not be written is lost.
  ///
  /// - Returns: The reason, when this is the first line lost.
  mutating func write(_ line: String) -> String? {
    do {
      try Descriptor.write(line + "\n", to: descriptor)
      isFailing = false
      return nil
    } catch {
      defer { isFailing = true }
      return isFailing
        ? nil : "lines are lost, log file \(path.escapedForTerminal): \(error.message)"
    }
  }

  func close() { _ = system_close(descriptor) }
}

private func system_close(_ descriptor: Int32) -> Int32 { close(descriptor) }
