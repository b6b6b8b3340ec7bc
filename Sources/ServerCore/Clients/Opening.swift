/// What has to happen on a connection before its client is served.
///
/// Until these steps are done the client counts as connected, but the log has no `connect` line of it.
package struct Opening: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// What has to happen on a new connection.
  ///
  /// Not of the core, which the shell would copy for it.
  ///
  /// - Parameters:
  ///   - readsHeaders: Whether `proxy_protocol` is on.
  ///   - isProxy: Whether the peer is one of `proxy_from`; asked only where it matters.
  ///   - speaksTLS: Whether the listener speaks TLS.
  package init(readsHeaders: Bool, isProxy: @autoclosure () -> Bool, speaksTLS: Bool) {
    self = speaksTLS ? .handshake : []
    // Never a guess from what is sent: anybody else is served under its own address.
    if readsHeaders, isProxy() { insert(.proxyHeader) }
  }

  /// A proxy says who the client is.
  package static let proxyHeader = Self(rawValue: 1)
  /// Client and server agree on TLS.
  package static let handshake = Self(rawValue: 2)

  /// What comes next; `nil` when the client is served.
  package var next: Step? {
    contains(.proxyHeader) ? .proxyHeader : contains(.handshake) ? .handshake : nil
  }

  package enum Step: Hashable, Sendable {
    case proxyHeader, handshake
  }
}
