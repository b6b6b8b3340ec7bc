/// Why an attempt to connect gave no connection, as the network reports it.
package struct ConnectFailure: Hashable {
  /// What failed.
  package enum Step {
    case lookUp, connect
    /// The handshake of TLS.
    case handshake
  }

  var step: Step
  /// What went wrong.
  var message: String
  /// More about it; of a name, what happened to each of its addresses.
  var detail: String?

  /// A failure of a step.
  package init(_ step: Step, _ message: String, detail: String? = nil) {
    (self.step, self.message, self.detail) = (step, message, detail)
  }

  /// The reason in words, for an attempt to connect to this target.
  package func reason(for target: Target) -> String {
    let whole = detail.map { "\(message): \($0)" } ?? message
    return switch step {
    case .lookUp: "looking up \(target.host): \(message)"
    // The log's line names the target: of an address or a path there is no more to say.
    case .connect: target.isName ? whole : message
    case .handshake: "TLS: \(whole)"
    }
  }
}
