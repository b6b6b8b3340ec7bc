import TestTaskClientCore
import TestTaskProgramBasics

/// The copy of the log in a file: writing never blocks, and the file keeps whole lines only.
final class LogCopy {
  private let path: String
  private var writer: LineWriter
  private var isFailing = false

  /// Opens the file to append to it.
  init(path: String) throws(CommandError) {
    self.path = path
    do throws(Descriptor.Failure) {
      writer = try LineWriter(appendingTo: path, mode: 0o644)
    } catch {
      let name = path.escapedForTerminal
      throw CommandError(message: "cannot open the log file \(name): \(error.message)")
    }
  }

  /// Appends a line; what cannot be written at once is lost.
  ///
  /// - Parameters:
  ///   - line: The line, without its end.
  ///   - lostLine: Makes the line that reports how many lines were lost, for when writing works
  ///     again.
  /// - Returns: Why lines are lost, if this is the first one lost; else `nil`.
  func write(_ line: String, lostLine: (_ count: Int) -> String) -> String? {
    writer.write(line + "\n") { count in Array((lostLine(count) + "\n").utf8) }
    defer { isFailing = writer.owesWriting }
    guard writer.owesWriting, !isFailing else { return nil }
    let reason = writer.failure?.message ?? "its reader takes nothing"
    return "lines are lost, log file \(path.escapedForTerminal): \(reason)"
  }
}
