/// Why a client is no longer connected, as the log names it.
///
/// Whatever is found first is the reason; a connection leaves once, and later events, the reset
/// that answers a closing for one, change nothing.
package enum DisconnectReason: String, CaseIterable, Sendable {
  case eof
  case reset
  case idle
  case partialFrame = "partial_frame"
  case violation
  case limit
  case stuck
  case buffer
  case handshake
  case truncated
  case shutdown
  case error
}
