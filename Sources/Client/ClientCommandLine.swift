import ArgumentParser
import TestTaskClientCore
import TestTaskProgramBasics
import TestTaskTerminalSupport
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The command line of `testtask-client`.
@main
struct ClientCommandLine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "testtask-client",
    abstract: "Asks a TestTask server for its time and its clients, at a prompt or by script.",
    discussion: """
      Without -e and -f it reads commands from standard input: at a terminal with a prompt. \
      The command "help" lists them.

      A script ends at the first command that fails. With --reconnect a request whose connection \
      was lost is sent again over the next one.

      Exit codes: 0 all well; 1 internal or I/O error; 2 no connection; 3 a command failed; \
      4 timed out; 5 protocol violation by the server; 64 usage; 130 interrupted; 143 terminated.
      """,
    version: ProgramVersion.text(of: "testtask-client"))

  @Argument(
    help: ArgumentHelp(
      "The server: a numeric address or localhost; a name with --resolve; or a Unix socket, unix:PATH. The port is 25555 unless given.",
      valueName: "HOST[:PORT]"),
    completion: .list(["localhost"]))
  var host: String?

  @Argument(help: ArgumentHelp("The port, where it is not with the host.", valueName: "PORT"))
  var port: String?

  @Option(
    name: .customShort("e"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Run a command; may be given several times.", valueName: "COMMAND"),
    completion: .list(CommandForm.names))
  var commands: [String] = []

  @Option(
    name: .customShort("f"),
    help: ArgumentHelp(
      "Run the commands of a file, after those of -e; - is standard input.", valueName: "FILE"),
    completion: .file())
  var file: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Delay before connecting again, 1 … 10, or off. At the prompt it is 3, in scripts off.",
      valueName: "S"),
    completion: .list(["off"]),
    transform: { try SecondsOption($0, in: CommandForm.reconnectRange) })
  var reconnect: SecondsOption?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long an attempt to connect may take; 5 unless given.", valueName: "S"),
    transform: { try SecondsOption.seconds($0, in: CommandForm.timeoutRange) })
  var connectTimeout: Duration = .seconds(5)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long an answer may take, or off (the default).", valueName: "S"),
    completion: .list(["off"]),
    transform: { try SecondsOption($0, in: CommandForm.timeoutRange) })
  var timeout: SecondsOption?

  @Flag(help: "Print the log as JSON, one object a line.")
  var json = false

  @Option(
    help: ArgumentHelp("Copy the log to a file too.", valueName: "FILE"), completion: .file())
  var logFile: String?

  @Option(help: "What stands before each line of the log.")
  var time: EventFormatter.Stamp = .local

  @Option(help: "When the log is coloured.")
  var color: Colouring = .auto

  @Flag(help: "Go on after a command that failed.")
  var keepGoing = false

  @Flag(
    help:
      "Look up names of servers. The first look-up starts threads; the program has one otherwise.")
  var resolve = false

  @Flag(help: "Show the bytes of a frame that breaks the protocol; JSON always has them.")
  var verbose = false

  @OptionGroup(title: "TLS")
  var tls: TLSArguments

  static func main() { runToEnd() }

  func validate() throws { _ = try target() }

  func run() throws {
    try StandardDescriptors.openMissing()
    let status = try ClientProgram(self).run().rawValue
    // An ordinary exit waits for threads that still look up a name, which may take half a minute.
    if resolve { _exit(status) }
    throw ExitCode(status)
  }

  /// What the arguments ask of the client's core.
  func options(_ streams: StandardStreams) throws -> ClientOptions {
    var options = ClientOptions(commands: commands, file: file, streams: streams)
    options.target = try target()
    options.allowsNames = resolve
    if let reconnect { options.reconnectDelay = reconnect.duration }
    options.answerTimeout = timeout?.duration
    options.connectTimeout = connectTimeout
    options.keepsGoing = keepGoing
    return options
  }

  /// The log as the arguments ask for it.
  func log(_ streams: StandardStreams) -> SessionLog {
    SessionLog(isJSON: json, isColoured: color.isOn(streams), stamp: time, isVerbose: verbose)
  }

  /// The file for a copy of the log.
  var copyPath: String? { logFile == "-" ? nil : logFile }

  /// The server, from both arguments.
  private func target() throws -> Target? {
    do throws(CommandError) {
      return try host.map { host throws(CommandError) in
        try Target(reading: host, port: port, allowsNames: resolve)
      }
    } catch {
      throw ValidationError(error.message)
    }
  }
}

extension EventFormatter.Stamp: ExpressibleByArgument {}
extension Colouring: ExpressibleByArgument {}
