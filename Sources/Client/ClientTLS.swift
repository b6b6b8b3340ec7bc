import TestTaskClientCore
import TestTaskProgramBasics
import UVNet
import UVNetTLS

/// TLS with servers, after connecting and before the first request.
struct ClientTLS {
  #if TLS
    private let context: TLSClientContext
    /// Who every server has to be; `nil` for the host that was connected to.
    private let name: String?
  #endif

  /// Reads the files that the arguments name; `nil` when the arguments do not ask for TLS.
  init?(_ arguments: TLSArguments, handshakeTimeout: Duration) throws(CommandError) {
    guard arguments.tls else { return nil }
    #if TLS
      name = arguments.tlsName
      var options = TLSClientOptions()
      options.handshakeTimeout = handshakeTimeout
      do throws(UVError) {
        if let path = arguments.ca { options.trust = try .certificateFile(path) }
        if let path = arguments.certificate, let key = arguments.key {
          options.identity = try TLSIdentity(certificateFile: path, keyFile: key)
        }
        context = try TLSClientContext(options)
      } catch {
        let what = (error.detail ?? "TLS").escapedForTerminal
        throw CommandError(
          message: error.domain == .tls ? what : "cannot read \(what): \(error.message)")
      }
    #else
      return nil
    #endif
  }

  /// Has a connection speak TLS with the server of a target.
  ///
  /// The completion is called on a later turn: with the connection, or with the reason why it was
  /// closed.
  func secure(
    _ connection: StreamConnection, to target: Target,
    _ completion: @escaping (Result<StreamConnection, UVError>) -> Void
  ) {
    #if TLS
      do throws(UVError) {
        let peer = try Self.peer(name ?? target.certificateName)
        connection.startTLS(context, to: peer) { completion($0.map { _ in connection }) }
      } catch {
        connection.close()
        connection.loop.nextTick { completion(.failure(error)) }
      }
    #endif
  }

  #if TLS
    /// Who a certificate has to be for: an address where the text is one, else a host's name.
    static func peer(_ text: String?) throws(UVError) -> TLSPeerName {
      guard let text else {
        throw UVError(
          .invalidArgument, during: .handshake, domain: .program,
          detail: "a Unix socket has no name to verify; give --tls-name")
      }
      if let address = try? IPAddress(text) { return .address(address) }
      return try .host(text)
    }
  #endif
}
