/// Something that reads foreign bytes, with the property that must hold whatever they are.
///
/// The same code is run by the fuzzer, on inputs that it makes, and by `swift test`, on everything
/// that was ever found.
public enum FuzzTarget: String, CaseIterable, Sendable {
  /// A stream of frames from a peer, through the decoders of frames and of messages.
  case frames
  /// Messages, through the encoder and back.
  case encoder
  /// The server's configuration file.
  case ini
  /// Lines of the client's command language.
  case commands
  /// Keys at the client's prompt.
  case editor
  /// Numeric addresses with and without a port.
  case addresses
  /// Headers of the PROXY protocol.
  case proxy
  /// Heads of HTTP requests.
  case http
  /// A server's text on the way to the terminal and to JSON.
  case escaping
  #if TLS
    /// A peer's records, in the handshake of TLS and after it.
    case tls
  #endif

  /// Runs `input` through the target; a trap is a finding too.
  ///
  /// - Parameter input: Any bytes; targets that need more than one thing cut them up.
  /// - Throws: What did not hold.
  public func check(_ input: [UInt8]) throws(Finding) {
    switch self {
    case .frames: try checkFrames(input)
    case .encoder: try checkEncoder(input)
    case .ini: try checkINI(input)
    case .commands: try checkCommands(input)
    case .editor: try checkEditor(input)
    case .addresses: try checkAddresses(input)
    case .proxy: try checkProxy(input)
    case .http: try checkHTTP(input)
    case .escaping: try checkEscaping(input)
    #if TLS
      case .tls: try checkTLS(input)
    #endif
    }
  }
}
