package import UVNet
internal import UVNetTLS

/// How a connection ended, as both programs see it.
package enum ConnectionEnd: Equatable, Sendable {
  /// The system's description of a failure.
  package struct Failure: Equatable, Sendable {
    /// For people: what went wrong.
    package var message: String
    /// For a log: the message with the operation and the system's name of the error.
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
  /// The kernel gave up on the peer, which did not answer in time.
  case timedOut(Failure)
  /// The peer's stream ended before the peer had said so over TLS: something may be missing.
  case truncated(Failure)
  /// Any other end; `nil` means that this side has closed the connection.
  case failed(Failure?)

  /// The failure, if it was neither the peer's end nor its reset.
  package var failure: Failure? {
    switch self {
    case .ended, .reset: nil
    case .timedOut(let failure), .truncated(let failure): failure
    case .failed(let failure): failure
    }
  }

  package init(_ reason: CloseReason) {
    guard let error = reason.error else {
      self = reason == .peer ? .ended : .failed(nil)
      return
    }
    let failure = Failure(message: error.message, description: error.description)
    #if TLS
      if error.domain == .tls {
        self = error.code == .truncated ? .truncated(failure) : .failed(failure)
        return
      }
    #endif
    switch error.code {
    // EPIPE: this side wrote, or the peer sent a reset, after the peer's end.
    case .brokenPipe: self = .ended
    case .connectionReset: self = .reset
    case .timedOut: self = .timedOut(failure)
    default: self = .failed(failure)
    }
  }
}
