@testable import TestTaskClientCore

extension CommandParser {
  /// A parser to whom every host is right but "nowhere", and a port is what follows the last colon.
  static let simple = CommandParser { text, isHost throws(CommandError) in
    guard text != "nowhere" else { throw CommandError(message: "no such host") }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard !isHost, parts.count == 2, let port = UInt16(parts[1]) else {
      return Target(host: text, port: Target.defaultPort)
    }
    return Target(host: String(parts[0]), port: port)
  }
}
