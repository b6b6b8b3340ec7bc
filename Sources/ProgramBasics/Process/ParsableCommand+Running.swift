package import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ParsableCommand {
  /// Parses the arguments, runs the command, and ends the process with what it throws.
  ///
  /// Beyond what the parser does, arguments that are no text are refused, and help that nobody gets
  /// because standard output takes nothing is an error.
  package static func runToEnd() -> Never {
    do {
      if let argument = ProgramArguments.firstThatIsNoText {
        throw ValidationError("the argument \"\(argument)\" is no UTF-8")
      }
      var command = try parseAsRoot()
      try command.run()
      exit(withError: nil)
    } catch {
      end(error)
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
