import ArgumentParser
import TestTaskClientCore
import TestTaskProgramBasics
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The command line of `testtask-client`.
@main
struct ClientCommandLine: ParsableCommand {
  /// When lines are coloured.
  enum Colour: String, CaseIterable, ExpressibleByArgument {
    case auto, always, never
  }

  /// A duration, or off.
  enum Delay {
    case off
    case seconds(Duration)

    var duration: Duration? {
      if case .seconds(let duration) = self { duration } else { nil }
    }
  }

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
    version: ProgramVersion.text(of: "testtask-client", tls: ClientTLS.library))

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
    transform: { try Self.delay($0, CommandForm.reconnectRange) })
  var reconnect: Delay?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long an attempt to connect may take; 5 unless given.", valueName: "S"),
    transform: { try Self.seconds($0, CommandForm.timeoutRange) })
  var connectTimeout: Duration = .seconds(5)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long an answer may take, or off (the default).", valueName: "S"),
    completion: .list(["off"]),
    transform: { try Self.delay($0, CommandForm.timeoutRange) })
  var timeout: Delay?

  @Flag(help: "Print the log as JSON, one object a line.")
  var json = false

  @Option(
    help: ArgumentHelp("Copy the log to a file too.", valueName: "FILE"), completion: .file())
  var logFile: String?

  @Option(help: "What stands before each line of the log.")
  var time: EventFormatter.Stamp = .local

  @Option(help: "When the log is coloured.")
  var color: Colour = .auto

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

  /// The server's address, from both arguments.
  private(set) var target: Target?

  enum CodingKeys: CodingKey {
    case host, port, commands, file, reconnect, connectTimeout, timeout, json, logFile, time, color
    case keepGoing, resolve, verbose, tls
  }

  static func main() { runToEnd() }

  mutating func validate() throws {
    guard let host else { return }
    do throws(CommandError) {
      target = try Target(reading: host, port: port, allowsNames: resolve)
    } catch {
      throw ValidationError(error.message)
    }
  }

  func run() throws {
    try StandardDescriptors.openMissing()
    let status = try ClientProgram(self).run().rawValue
    // An ordinary exit waits for threads that still look up a name, which may take half a minute.
    if resolve { _exit(status) }
    throw ExitCode(status)
  }

  var isColoured: Bool {
    switch color {
    case .always: true
    case .never: false
    case .auto:
      Descriptor.output.isTerminal && environment("NO_COLOR") == nil
        && environment("TERM") != "dumb"
    }
  }

  /// Whether commands were given with the arguments.
  var isScript: Bool { !commands.isEmpty || file != nil }

  /// Whether commands come from standard input.
  var readsInput: Bool { !isScript || file == "-" }

  /// The commands of `-e`.
  var script: [ScriptLine] { commands.map { ScriptLine(.text($0), source: "-e") } }

  /// The commands of a file, if one was given.
  func scriptFile() throws(CommandError) -> ScriptFile? {
    guard let file, file != "-" else { return nil }
    do {
      let content = try Descriptor.readFile(file, limit: 1 << 26, isPrivate: false)
      var lines = TextLines(content)
      return ScriptFile(name: file) { lines.next().map(ScriptLine.Content.init) }
    } catch {
      throw CommandError(message: "cannot read \(file.escapedForTerminal): \(error.message)")
    }
  }

  private static func seconds(
    _ text: String, _ range: ClosedRange<Duration>, alternative: String = ""
  ) throws -> Duration {
    guard let duration = Duration(decimalSeconds: text), range.contains(duration) else {
      let range = Parameter.seconds(range).range ?? ""
      throw ValidationError("it must be \(range) seconds\(alternative)")
    }
    return duration
  }

  private static func delay(_ text: String, _ range: ClosedRange<Duration>) throws -> Delay {
    text == "off" ? .off : .seconds(try seconds(text, range, alternative: ", or off"))
  }
}

extension EventFormatter.Stamp: ExpressibleByArgument {}
