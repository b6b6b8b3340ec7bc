import TestTaskClientCore
import TestTaskProgramBasics
import UVNet
import UVNetTLS

/// Secures connections to servers by TLS, after connecting and before the first request.
struct SecureConnecting {
  #if TLS
    private let context: TLSClientContext
    private let peerName: TLSPeerName?
  #endif

  /// The library that speaks TLS, with its version; `nil` when the program was built without.
  static var library: String? {
    #if TLS
      OpenSSL.version
    #else
      nil
    #endif
  }

  /// Reads the files that the arguments name; `nil` when the arguments do not ask for TLS.
  init?(_ arguments: TLSArguments, handshakeTimeout: Duration) throws {
    guard arguments.tls else { return nil }
    #if TLS
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
      peerName = try arguments.tlsName.map(TLSArguments.peerName)
    #else
      return nil
    #endif
  }

  /// Has `connection` speak TLS with the server of `target`.
  ///
  /// The completion is called on a later turn: with the connection, or with the reason why it was
  /// closed.
  func secure(
    _ connection: StreamConnection, to target: Target,
    _ completion: @escaping (Result<StreamConnection, UVError>) -> Void
  ) {
    #if TLS
      let peer: TLSPeerName
      do throws(UVError) {
        if let peerName { peer = peerName } else { peer = try Self.peerName(of: target) }
      } catch {
        connection.close()
        return connection.loop.nextTick { completion(.failure(error)) }
      }
      connection.startTLS(context, to: peer) { completion($0.map { _ in connection }) }
    #endif
  }

  #if TLS
    private static func peerName(of target: Target) throws(UVError) -> TLSPeerName {
      if target.isUnixSocket {
        throw UVError(
          .invalidArgument, during: .handshake, domain: .program,
          detail: "a Unix socket has no name to verify; give --tls-name")
      }
      if let name = target.name { return try .host(name) }
      guard let address = try? IPAddress(target.host) else { return try .host(target.host) }
      return .address(address)
    }
  #endif
}
