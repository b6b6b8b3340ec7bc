package import TestTaskProgramBasics

/// Why a command was refused, in words for the user; foreign text in it is escaped already.
package struct CommandError: Error, Hashable, CustomStringConvertible {
  package var message: String

  /// An error with its words.
  package init(message: String) { self.message = message }

  /// A file that could not be used: `cannot read demo.txt: Permission denied`.
  package init(cannot action: String, _ path: String, _ failure: Descriptor.Failure) {
    self.init(message: "cannot \(action) \(path.escapedForTerminal): \(failure.message)")
  }

  package var description: String { message }
}
