package import UVNet

/// How a connection came to its end, as both programs see it.
package enum ConnectionEnd: Equatable, Sendable {
  /// What the system says of a failure.
  package struct Failure: Equatable, Sendable {
    /// For people: what went wrong.
    package var message: String
    /// For a log: that, with the operation and the system's name of the error.
    package var description: String

    package init(message: String, description: String) {
      self.message = message
      self.description = description
    }
  }

  /// The peer had ended its stream, and perhaps refused what was sent afterwards.
  case ended
  /// The peer has reset it.
  case reset
  /// The kernel has lost patience with the peer.
  case timedOut(Failure)
  /// Something else; without a failure this side has closed it.
  case failed(Failure?)

  /// What the system says, where it was neither the peer's end nor its reset.
  package var failure: Failure? {
    switch self {
    case .ended, .reset: nil
    case .timedOut(let failure): failure
    case .failed(let failure): failure
    }
  }

  package init(_ reason: CloseReason) {
    guard let error = reason.error else {
      self = reason == .peer ? .ended : .failed(nil)
      return
    }
    let failure = Failure(message: error.message, description: error.description)
    switch error.code {
    // The system says so of a write, or a reset, that came after the peer's end.
    case .brokenPipe: self = .ended
    case .connectionReset: self = .reset
    case .timedOut: self = .timedOut(failure)
    default: self = .failed(failure)
    }
  }
}
