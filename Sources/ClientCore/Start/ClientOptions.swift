package import TestTaskTerminalSupport

/// What the program was started with, and what follows from it.
package struct ClientOptions {
  private let commands: [String]
  private let file: String?
  private let streams: StandardStreams
  /// The server to connect to first.
  package var target: Target?
  /// Whether names of servers are looked up.
  package var allowsNames = false
  /// The delay before connecting again; `nil` is off.
  package var reconnectDelay: Duration?
  /// How long an answer may take; `nil` is for ever.
  package var answerTimeout: Duration?
  /// How long an attempt to connect may take.
  package var connectTimeout = Duration.seconds(5)
  /// Whether a script goes on after a command that failed.
  package var keepsGoing = false

  /// The options that are not given have their defaults.
  ///
  /// - Parameters:
  ///   - commands: Those of `-e`.
  ///   - file: The file of commands, `-f`; `-` is standard input.
  ///   - streams: What standard input and output are.
  package init(commands: [String] = [], file: String? = nil, streams: StandardStreams) {
    (self.commands, self.file, self.streams) = (commands, file, streams)
    if !isScript { reconnectDelay = .seconds(3) }
  }

  private var hasCommands: Bool { !commands.isEmpty || file != nil }

  /// Whether the commands are a script, and not typed by a user.
  package var isScript: Bool { hasCommands || !streams.isInputTerminal }

  /// Whether there is a prompt whose line the program edits.
  package var isEditing: Bool { !isScript && streams.isOutputTerminal && !streams.isDumb }

  /// Whether a user types lines that the terminal edits; Ctrl-C then arrives as a signal.
  ///
  /// Where the output is for another program, such as `less`, Ctrl-C is meant for both and ends them.
  var isPlainPrompt: Bool { !isScript && !isEditing && streams.isOutputTerminal }

  /// Whether commands come from standard input, too.
  package var readsInput: Bool { !hasCommands || file == "-" }

  /// The file of commands that is read at the start.
  package var scriptPath: String? { file == "-" ? nil : file }

  /// The commands of `-e`.
  var script: [ScriptLine] { commands.map { ScriptLine(.text($0), source: "-e") } }
}
