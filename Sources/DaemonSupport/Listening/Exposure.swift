package import TestTaskProgramBasics
package import UVNet

/// What stands between a listening socket and everybody who can reach its address.
package enum Exposure: Equatable, Sendable {
  /// Nothing.
  case unprotected
  /// TLS that asks clients for no certificate.
  case encrypted
  /// TLS, for clients with a certificate alone.
  case authenticated
  /// Nothing, but only metrics can be read.
  case metrics

  /// What the operator is told of a socket that listens at an address; `nil` where only this machine
  /// reaches it.
  package func notice(of address: SocketAddress) -> (level: LogLevel, text: String)? {
    guard !address.isLoopback else { return nil }
    switch self {
    case .unprotected:
      return (
        .warning,
        "LISTENING BEYOND LOOPBACK on \(address): the protocol has no authentication, "
          + "so everybody who can reach this address is served"
      )
    case .encrypted:
      return (
        .warning,
        "LISTENING BEYOND LOOPBACK on \(address): TLS hides what is said, but without client_ca "
          + "everybody who can reach this address is served"
      )
    case .authenticated:
      return (
        .info, "listening beyond loopback on \(address): TLS, for clients with a certificate alone"
      )
    case .metrics:
      return (
        .warning,
        "METRICS BEYOND LOOPBACK on \(address): everybody who can reach this address can read them"
      )
    }
  }
}
