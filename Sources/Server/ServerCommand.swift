import ArgumentParser
import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

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
    version: ProgramVersion.text(of: "testtask-server", tls: ServerTLS.library))

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

  /// What the process ends with.
  private enum Status {
    static let failure: Int32 = 1
    /// EX_CONFIG of sysexits.h.
    static let badConfiguration: Int32 = 78
  }

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
    // Before something else takes its number.
    let isOutputClosed = fcntl(STDOUT_FILENO, F_GETFD) < 0
    do throws(UVError) {
      try StandardDescriptors.openMissing()
    } catch {
      throw ExitCode(Status.failure)
    }
    // A standard error whose reader has left must not end the server before it has a loop.
    signal(SIGPIPE, SIG_IGN)
    // Also before anything is opened.
    let taken = Result { () throws(InheritedSocket.Failure) in try InheritedSocket.takeAll() }
    let diagnostics = Diagnostics(program: "testtask-server")
    let inherited: [InheritedSocket]
    do throws(InheritedSocket.Failure) {
      inherited = try taken.get()
    } catch {
      diagnostics.report(.error, error.description)
      throw ExitCode(Status.failure)
    }
    var settings: Settings<Configuration>
    do throws(SettingProblems) {
      settings = try loader.load()
    } catch {
      for line in error.lines { diagnostics.print(.error, line) }
      throw ExitCode(Status.badConfiguration)
    }
    let room = DescriptorLimit.raise(
      for: settings.values.maxConnections,
      reserve: settings.values.reservedDescriptors(inherited))
    let warning = settings.lowerConnections(to: room)
    if isOutputClosed, dumpConfig || settings.values.logFile == "-" {
      diagnostics.report(
        .error,
        dumpConfig
          ? "cannot write to standard output: it is closed"
          : Self.explain(
            LogFile.Failure(path: "-", reason: "standard output is closed"), settings.values))
      throw ExitCode(Status.failure)
    }
    if checkConfig { try check(settings, diagnostics) }
    if dumpConfig { try dump(settings, diagnostics) }
    if !checkConfig && !dumpConfig {
      try serve(settings, inherited, room, warning, diagnostics)
    }
  }

  private func dump(_ settings: Settings<Configuration>, _ diagnostics: Diagnostics) throws {
    do throws(Descriptor.Failure) {
      try Descriptor.output.write(settings.dump, patience: nil)
    } catch {
      // A reader who has seen enough is no error.
      if error.isBrokenPipe { return }
      diagnostics.report(.error, "cannot write to standard output: \(error.message)")
      throw ExitCode(Status.failure)
    }
  }

  private func serve(
    _ settings: Settings<Configuration>, _ inherited: [InheritedSocket], _ room: Int,
    _ warning: String?, _ diagnostics: Diagnostics
  ) throws {
    do {
      let server = try Server(
        loader, settings, inherited: inherited, descriptorRoom: room, diagnostics: diagnostics)
      if let warning { diagnostics.report(.warning, warning) }
      try server.start()
      try server.run()
    } catch {
      diagnostics.report(.error, Self.explain(error, settings.values))
      throw ExitCode(Status.failure)
    }
  }

  /// Tries what can be tried without leaving a trace.
  private func check(_ settings: Settings<Configuration>, _ diagnostics: Diagnostics) throws {
    var isGood = true
    func fail(_ error: any Error) {
      diagnostics.report(.error, Self.explain(error, settings.values))
      isGood = false
    }
    do { try LogFile.check(settings.values.logFile) } catch { fail(error) }
    do throws(ServerTLS.Failure) { _ = try ServerTLS(settings.values) } catch { fail(error) }
    do throws(ListenFailure) { try checkListening(settings.values, diagnostics) } catch {
      fail(error)
    }
    if let path = settings.values.countFilePath {
      do throws(CountFile.Failure) { try CountFile.check(path) } catch { fail(error) }
    }
    guard isGood else { throw ExitCode(Status.failure) }
    diagnostics.report(.info, "\(config ?? "settings"): good")
  }

  /// The server itself may be what uses an address or a socket: that is a note, and no error.
  private func checkListening(
    _ values: Configuration, _ diagnostics: Diagnostics
  ) throws(ListenFailure) {
    for places in [try values.placesToListen, try values.placesOfMetrics] {
      for place in try places.check() {
        diagnostics.report(.info, "note: \(place) is in use".escapedForTerminal)
      }
    }
  }

  /// One line for what keeps the server from starting.
  private static func explain(_ error: any Error, _ values: Configuration) -> String {
    switch error {
    case let error as LogFile.Failure:
      "cannot log to \"\(error.path)\": \(error.reason)"
    default:
      "\(error)"
    }
  }
}
