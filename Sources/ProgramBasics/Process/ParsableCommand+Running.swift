package import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ParsableCommand {
  /// Parses the arguments, runs the command, and ends the process with what it throws.
  ///
  /// It does three things that the parser does not. It refuses arguments that are not UTF-8. It
  /// takes a negative number for a value, so that the error for it names the range. And it fails
  /// when help cannot be written to standard output.
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

  /// Parses arguments, among which a number such as `-1` is a value and not an option.
  ///
  /// The parser takes it for an unknown option unless it follows `--`, so it is moved there.
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
