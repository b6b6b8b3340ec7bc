/// What has to happen on a connection before its client is served.
///
/// Until these steps are done the client counts as connected, but the log has no `connect` line of it.
struct Opening: OptionSet, Hashable, Sendable {
  let rawValue: UInt8

  init(rawValue: UInt8) { self.rawValue = rawValue }

  /// What has to happen on a new connection.
  ///
  /// - Parameters:
  ///   - isProxy: Whether a proxy has made it, which begins with a header.
  ///   - speaksTLS: Whether it is to speak TLS.
  init(isProxy: Bool, speaksTLS: Bool) {
    self = speaksTLS ? .handshake : []
    if isProxy { insert(.proxyHeader) }
  }

  /// A proxy says who the client is.
  static let proxyHeader = Self(rawValue: 1)
  /// Client and server agree on TLS.
  static let handshake = Self(rawValue: 2)

  /// What comes next; `nil` when the client is served.
  var next: Step? {
    contains(.proxyHeader) ? .proxyHeader : contains(.handshake) ? .handshake : nil
  }

  /// Takes note that a step is done; false, and nothing happens, when it is not the next one.
  mutating func finish(_ step: Step) -> Bool {
    guard next == step else { return false }
    remove(step == .proxyHeader ? .proxyHeader : .handshake)
    return true
  }

  enum Step: Hashable, Sendable {
    case proxyHeader, handshake
  }
}
