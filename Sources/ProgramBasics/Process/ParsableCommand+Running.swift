package import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ParsableCommand {
  /// Parses the arguments, runs the command, and ends the process with what it throws.
  ///
  /// Beyond what the parser does, arguments that are no text are refused, a negative number is a value,
  /// so that whoever reads it says the range, and help that nobody gets because standard output takes
  /// nothing is an error.
  package static func runToEnd() -> Never {
    do {
      if let argument = ProgramArguments.firstThatIsNoText {
        throw ValidationError("the argument \"\(argument)\" is no UTF-8")
      }
      var command = try parseWithNegativeNumbers(Array(CommandLine.arguments.dropFirst()))
      try command.run()
      exit(withError: nil)
    } catch {
      end(error)
    }
  }

  /// Parses arguments of which `-1` may be one without a name.
  ///
  /// The parser takes it for an option that it does not know, unless it stands behind `--`.
  private static func parseWithNegativeNumbers(
    _ arguments: [String]
  ) throws -> any ParsableCommand {
    do {
      return try parseAsRoot(arguments)
    } catch {
      let message = message(for: error)
      let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
      let unknown = arguments[..<end].firstIndex {
        $0.first == "-" && $0.dropFirst().first?.isNumber == true
          && message.hasPrefix("Unknown option '\($0)'")
      }
      guard let unknown else { throw error }
      var arguments = arguments
      if end == arguments.endIndex { arguments.append("--") }
      arguments.append(arguments.remove(at: unknown))
      return try parseWithNegativeNumbers(arguments)
    }
  }

  private static func end(_ error: any Error) -> Never {
    let text = fullMessage(for: error)
    guard exitCode(for: error) == .success, !text.isEmpty else { exit(withError: error) }
    do throws(Descriptor.Failure) {
      try Descriptor.output.write(text + "\n", patience: nil)
    } catch {
      let name = configuration.commandName ?? ""
      try? Descriptor.errors.write("\(name): error: standard output: \(error.message)\n")
      exit(withError: ExitCode(1))
    }
    exit(withError: nil)
  }
}
