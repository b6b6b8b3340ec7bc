/// Why a command was refused, in words for the user; foreign text in it is escaped already.
package struct CommandError: Error, Hashable, CustomStringConvertible {
  package var message: String

  /// An error with its words.
  package init(message: String) { self.message = message }

  package var description: String { message }
}
