/// Why a command was refused, in words for the user; foreign text in it is escaped already.
struct CommandError: Error, Hashable, CustomStringConvertible {
  var message: String

  var description: String { message }
}
