import TestTaskClientCore
import TestTaskProgramBasics

/// The copy of the log in a file.
struct LogCopy {
  private let path: String
  private let file: Descriptor
  private var isFailing = false

  /// Opens the file to append to it.
  init(path: String) throws(CommandError) {
    self.path = path
    do {
      file = try Descriptor(appendingTo: path, mode: 0o644)
    } catch {
      let name = path.escapedForTerminal
      throw CommandError(message: "cannot open the log file \(name): \(error.message)")
    }
  }

  /// Appends a line; what could not be written is lost.
  ///
  /// - Returns: The reason, when this is the first line lost.
  mutating func write(_ line: String) -> String? {
    let wasFailing = isFailing
    do {
      // A FIFO whose reader has stalled is waited for once, and not at every line.
      try file.write(line + "\n", patience: wasFailing ? 0 : 100)
      isFailing = false
      return nil
    } catch {
      isFailing = true
      let complaint = "lines are lost, log file \(path.escapedForTerminal): \(error.message)"
      return wasFailing ? nil : complaint
    }
  }

  func close() { file.close() }
}
