import ArgumentParser
import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

/// The command line of testtask-server.
@main
struct ServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "testtask-server",
    abstract: "Answers fast and slow requests over TCP and Unix sockets.",
    discussion: """
      Flags beat the ini, the ini beats the defaults; of an option given twice the last wins. \
      SIGTERM and SIGINT drain, SIGHUP reloads, SIGUSR1 reopens the log.
      """,
    version: ProgramVersion.text(of: "testtask-server"))

  @Option(help: ArgumentHelp("Read the settings from an ini.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Listen at a numeric address, IPv4 or IPv6, or none.", valueName: "a"))
  var address: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Listen on a port; 0 is any free one.", valueName: "n"))
  var port: String?

  @Option(help: ArgumentHelp("Log to a file; - is standard output.", valueName: "file"))
  var logFile: String?

  @Flag(help: "Check the settings, the address and the log; change nothing.")
  var checkConfig = false

  @Flag(help: "Print every setting with its origin.")
  var dumpConfig = false

  static func main() { runToEnd() }

  private var loader: SettingsLoader<Configuration> {
    var loader = SettingsLoader<Configuration>(path: config)
    loader.add(flag: "--address", "address", in: "server", address)
    loader.add(flag: "--port", "port", in: "server", port)
    loader.add(flag: "--log-file", "file", in: "log", logFile)
    return loader
  }

  /// Refuses flags that the ini would refuse as values.
  func validate() throws {
    var flagsOnly = loader
    flagsOnly.path = nil
    do {
      _ = try flagsOnly.load()
    } catch {
      throw ValidationError(error.lines.joined(separator: "\n"))
    }
  }

  func run() throws {
    do throws(DaemonStart<Configuration>.Failure) {
      var start = try DaemonStart(program: "testtask-server", loader)
      let (room, warning) = start.settings.fitDescriptors(start.inherited)
      if dumpConfig {
        try start.requireOutput { "cannot write to standard output: it is closed" }
      } else if start.settings.values.logFile == "-" {
        try start.requireOutput {
          LogFile.Failure(path: "-", reason: "standard output is closed").description
        }
      }
      if checkConfig { try check(start) }
      if dumpConfig { try start.dump() }
      if !checkConfig && !dumpConfig {
        try start.run {
          let server = try Server(start, descriptorRoom: room)
          if let warning { start.diagnostics.report(.warning, warning) }
          try server.start()
          try server.run()
        }
      }
    } catch {
      throw ExitCode(error.status)
    }
  }

  /// Tries what can be tried without leaving a trace.
  private func check(
    _ start: DaemonStart<Configuration>
  ) throws(DaemonStart<Configuration>.Failure) {
    let values = start.settings.values
    // The server itself may be what uses an address or a socket: that is a note, and no error.
    func noteUse(_ places: [String]) {
      for place in places {
        start.diagnostics.report(.info, "note: \(place) is in use".escapedForTerminal)
      }
    }
    try start.check(
      [
        { try LogFile.check(values.logFile) },
        { _ = try DaemonTLS(values.tls) },
        { noteUse(try values.placesToListen.check()) },
        { noteUse(try values.placesOfMetrics.check()) },
        { try values.countFilePath.map(CountFile.check) },
      ], of: config ?? "settings")
  }
}
