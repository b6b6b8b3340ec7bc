internal import TestTaskProgramBasics
internal import UVNet

/// What keeps a daemon from listening, in one line.
package struct ListenFailure: Error, Equatable, CustomStringConvertible {
  package let description: String

  private init(_ place: String, _ reason: String) {
    description = "cannot listen on \(place): \(reason)"
  }

  /// The settings name no place at all.
  package static var nowhere: ListenFailure {
    ListenFailure("anything", "address and socket are both none")
  }

  init(_ error: UVError, at address: SocketAddress) {
    self.init("\(address.host) port \(address.port)", "\(error.message) (\(error.name))")
  }

  init(_ error: UVError, _ socket: UnixAddress) {
    let detail = error.detail.map { ": \($0)" } ?? ""
    self.init(
      "\(socket)".escapedForTerminal,
      "\(error.message) (\(error.name))\(detail)".escapedForTerminal)
  }

  init(_ error: UVError, _ socket: InheritedSocket) {
    self.init(
      "socket \(socket.descriptor) of the service manager", "\(error.message) (\(error.name))")
  }

  init(_ error: SocketAddressError, in text: String) {
    self.init("\"\(text.escapedForTerminal)\"", "\(error)")
  }
}
