import TestTaskTestSupport
import UVNetTestKit

/// The real server on a free port, with its log in a folder of its own.
final class RunningServer {
  let program: Program
  let port: UInt16
  let folder: TemporaryFolder
  var logPath: String { folder.path + "/server.log" }

  /// Starts the server with `settings` as its ini, and waits until it listens.
  init(_ settings: String = "", port: UInt16 = 0, arguments: [String] = []) throws {
    folder = try TemporaryFolder()
    let ini = folder.path + "/server.ini"
    try writeFile(ini, settings)
    program = try Program(
      "testtask-server",
      ["--config", ini, "--port", "\(port)", "--log-file", folder.path + "/server.log"] + arguments,
      directory: folder.path)
    var line = ""
    repeat {
      guard let next = try program.readErrorLine() else {
        throw Program.Failure(description: "the server ended before it listened; last: \(line)")
      }
      line = next
    } while !line.contains("listening address=")
    guard let number = line.split(separator: "=").last.flatMap({ UInt16($0) }) else {
      throw Program.Failure(description: "no port in: \(line)")
    }
    self.port = number
  }

  func connect() throws -> RawSocket { try RawSocket.connect(port: port) }

  /// Ends the server by SIGTERM and returns how it ended.
  func terminate() throws -> Program.Ending {
    program.send(signal: SIGTERM)
    return try program.wait()
  }

  /// Waits until the log has `count` lines that contain `text`, and returns those.
  func logLines(containing text: String, count: Int = 1) throws -> [String] {
    let deadline = ContinuousClock.now.advanced(by: Program.patience)
    while true {
      let lines = try readFile(logPath).split(separator: "\n").map(String.init)
        .filter { $0.contains(text) }
      if lines.count >= count { return lines }
      guard ContinuousClock.now < deadline else {
        throw Program.Failure(description: "only \(lines.count) of \(count) log lines with \(text)")
      }
      usleep(2000)
    }
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
