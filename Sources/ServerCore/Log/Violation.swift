package import TestTaskProto

/// How a client, or the proxy before it, broke a protocol, as the log has it.
package enum Violation: Equatable, Sendable {
  case frame(ProtocolViolation)
  /// What a proxy has sent is no header of the PROXY protocol.
  case proxyHeader

  package var name: String {
    switch self {
    case .frame(let violation): violation.kind.rawValue
    case .proxyHeader: "malformedProxyHeader"
    }
  }

  /// Where in the stream it is: a frame's begins behind the header of a proxy.
  package var offset: UInt64 {
    switch self {
    case .frame(let violation): violation.offset
    case .proxyHeader: 0
    }
  }
}
